"""What several handlers read out of requests: ids, tags, enums, page tokens."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping

from steno.errors import InvalidValue
from steno.queries import ViewType
from steno.records import RunStatus
from steno.tracking import limits
from steno.wire.entities import Pair
from steno.wire.messages import Enum, OfRun

_VIEWS: Mapping[object, ViewType] = {
    **dict(enumerate(ViewType, 1)),
    **{view.value: view for view in ViewType},
}
_STATUSES: Mapping[object, str] = {
    **{number: status.value for number, status in enumerate(RunStatus, 1)},
    **{status.value: status.value for status in RunStatus},
}


def run_id(ask: OfRun) -> str:
    """Return the id of the run that is meant. Raises: InvalidValue."""
    found = ask.run_id or ask.run_uuid
    if not found:
        raise InvalidValue("missing value for required parameter 'run_id'")
    return limits.run_id(found)


def view(value: Enum | None) -> ViewType:
    """Return a view type; what is not known counts as not said."""
    return _VIEWS.get(value, ViewType.ACTIVE_ONLY)


def status(value: Enum | None) -> str | None:
    """Return a run's status; what is not known counts as not said."""
    return _STATUSES.get(value)


def texts(given: Iterable[Pair] | None) -> dict[str, str]:
    """Return tags by key; of a key that comes twice the last counts."""
    return {pair.key: pair.value or "" for pair in given or ()}


def run_tags(given: Iterable[Pair] | None) -> dict[str, str]:
    """Return a run's tags. Raises: InvalidValue."""
    return limits.run_tags(texts(given)) if given else {}


def now_ms() -> int:
    """Return the time."""
    return time.time_ns() // 1_000_000
