"""Points in time as people give them."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from steno.errors import InvalidValue
from steno.tracking import limits

_DATE_LENGTH = len("2026-01-31")


def time_ms(moment: Any) -> int:
    """Return epoch milliseconds of a number of them, a datetime, a date, or one of these as ISO text.

    A date means its last millisecond; what has no zone is in the zone of this machine.

    Raises:
        InvalidValue: It is none of these.
    """
    if isinstance(moment, int) and not isinstance(moment, bool):
        return limits.time_ms(moment)
    found = _parsed(moment) if isinstance(moment, str) else moment
    try:
        if isinstance(found, datetime):
            return round(found.timestamp() * 1000)
        if isinstance(found, date):
            return round(datetime.combine(found + timedelta(days=1), datetime.min.time()).timestamp() * 1000) - 1
    except (OverflowError, ValueError, OSError):
        pass  # beyond what a calendar or clock can tell
    raise InvalidValue(f"{str(moment)[:40]!r} is no time; write 2026-01-31, 2026-01-31T12:00, or epoch milliseconds")


def _parsed(text: str) -> date | datetime | None:
    try:
        if len(text.strip()) <= _DATE_LENGTH:
            return date.fromisoformat(text.strip())
        return datetime.fromisoformat(text.strip())
    except ValueError:
        return None
