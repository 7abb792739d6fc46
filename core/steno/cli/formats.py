"""Values as people and programs read them: times, lengths of time, sizes, numbers."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from typing import Any

import click

_UNITS_MS = {"d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1000}
_PART = r"([0-9]+(?:\.[0-9]+)?)([dhms])"


def plain(data: Any) -> Any:
    """Records and numbers as what JSON knows."""
    from steno.records import as_builtins

    return _finite(as_builtins(data))


def _finite(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _finite(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [_finite(value) for value in data]
    if isinstance(data, float) and not math.isfinite(data):
        return "NaN" if math.isnan(data) else "Infinity" if data > 0 else "-Infinity"
    return data


def words(text: str) -> tuple[str, ...]:
    """Return what stands between commas."""
    return tuple(word.strip() for word in text.split(",") if word.strip())


def iso_time(time_ms: int | None) -> str:
    """A time for programs: ISO 8601 in UTC, "" for none."""
    if time_ms is None:
        return ""
    return datetime.fromtimestamp(time_ms / 1000, UTC).isoformat(timespec="milliseconds")


def local_time(time_ms: int | None) -> str:
    """A time for people, to the minute, in their zone."""
    if time_ms is None:
        return ""
    return datetime.fromtimestamp(time_ms / 1000).strftime("%Y-%m-%d %H:%M")


def duration(length_ms: float | None) -> str:
    """A length of time in its two largest units: 2d 3h, 4m 05s, 1.234s."""
    if length_ms is None:
        return ""
    if length_ms < 59_500:
        return f"{length_ms / 1000:.3g}s" if length_ms < 9_995 else f"{length_ms / 1000:.0f}s"
    minutes, seconds = divmod(round(length_ms / 1000), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days}d {hours}h"
    return f"{hours}h {minutes:02}m" if hours else f"{minutes}m {seconds:02}s"


def size(size_bytes: int | None) -> str:
    """A size in binary units, "" for none."""
    if size_bytes is None:
        return ""
    amount = float(size_bytes)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(amount) < 1024:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} TiB"


def number(value: float) -> str:
    """A metric to six digits."""
    return f"{value:.6g}"


class Age(click.ParamType[int]):
    """A length of time on the command line: 30d, 12h, 1d12h, 1.5h; as milliseconds."""

    name = "age"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read it; usage error otherwise."""
        if isinstance(value, int):
            return value
        if not re.fullmatch(f"(?:{_PART})+", value):
            self.fail(f"{value!r} is no length of time; write 30d, 12h, 45m or 1d12h", param, ctx)
        return round(sum(float(count) * _UNITS_MS[unit] for count, unit in re.findall(_PART, value)))
