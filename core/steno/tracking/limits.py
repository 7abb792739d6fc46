"""What may be recorded: keys, numbers and lengths, checked where the user's call can still be told."""

from __future__ import annotations

import logging
import operator
import posixpath
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from steno import settings
from steno.errors import InvalidValue
from steno.queries import MAX_RESULTS
from steno.records import Metric, Param

logger = logging.getLogger("steno.tracking")

KEY_LENGTH = 250
KEYS_KNOWN = 4096
PARAM_LENGTH = 6000
TAG_LENGTH = 8000
EXPERIMENT_NAME_LENGTH = 500
EXPERIMENT_TAG_LENGTH = 20_000
REGISTRY_TAG_LENGTH = 100_000
_INT64 = 1 << 63
_KEY = re.compile(r"[/\w.\- :]+")
_RUN_ID = re.compile(r"[a-zA-Z0-9][\w\-]{0,255}")


def check_key(kind: str, key: Any) -> str:
    """Return a metric, param or tag key if it is allowed. Raises: InvalidValue with the reason."""
    if isinstance(key, str) and len(key) <= KEY_LENGTH and _is_allowed(key):
        return key
    if not isinstance(key, str):
        raise InvalidValue(f"a {kind} key is text, not {type(key).__name__}: {key!r}")
    if not key:
        raise InvalidValue(f"a {kind} key cannot be empty")
    if len(key) > KEY_LENGTH:
        raise InvalidValue(f"{kind} key {key[:40]!r}… is {len(key)} characters long; at most {KEY_LENGTH} are allowed")
    if not _KEY.fullmatch(key):
        wrong = sorted(set(re.sub(_KEY, "", key)))
        raise InvalidValue(
            f"{kind} key {key!r} holds {', '.join(map(repr, wrong))}; allowed are letters, digits, '_', '-', '.', "
            f"' ', ':' and '/'"
        )
    raise InvalidValue(f"{kind} key {key!r} is not a simple relative path; {posixpath.normpath(key).strip('/.')!r} is")


@lru_cache(KEYS_KNOWN)
def _is_allowed(key: str) -> bool:
    """Whether a short key is one that may be used; the same few come again and again."""
    path = posixpath.normpath(key) == key and key not in (".", "/") and not key.startswith(("..", "/"))
    return path and _KEY.fullmatch(key) is not None


def number(key: str, value: Any) -> float:
    """Return a metric's value as a float; NaN and infinities are kept. Raises: InvalidValue naming the key."""
    if type(value) is float:
        return value
    if not isinstance(value, str | bytes | bytearray | complex) and value is not None:
        try:
            return float(value.item() if getattr(value, "ndim", 0) else value)  # an array of one element is a number
        except (TypeError, ValueError, OverflowError, RuntimeError):
            pass  # said below: torch raises RuntimeError for a tensor of several values
    raise InvalidValue(
        f"metric {key!r} is not a number: {_short(value)} of type {type(value).__name__}. Log text with log_param or "
        f"set_tag, and arrays element by element."
    )


def metric(point: Metric) -> Metric:
    """Return a point with its numbers as they are kept. Raises: InvalidValue naming what is wrong."""
    key = check_key("metric", point.key)
    value, step = number(key, point.value), integer("step", point.step)
    about = (point.dataset_name, point.dataset_digest, point.model_id)
    return Metric(key, value, time_ms(point.timestamp), step, *about)


def integer(what: str, value: Any) -> int:
    """Return a step or time as an int of 64 bits. Raises: InvalidValue."""
    try:
        found = operator.index(value)
    except TypeError:
        if not (isinstance(value, float) and value.is_integer()):
            raise InvalidValue(f"{what} must be a whole number, not {_short(value)}") from None
        found = int(value)
    if not -_INT64 <= found < _INT64:
        raise InvalidValue(f"{what} {found} does not fit 64 bits")
    return found


def time_ms(value: Any) -> int:
    """Return a timestamp in epoch milliseconds. Raises: InvalidValue."""
    found = integer("timestamp", value)
    if found < 0:
        raise InvalidValue(f"timestamp {found} is before 1970; give epoch milliseconds")
    return found


def text(kind: str, key: str, value: Any, limit: int, *, truncate: bool | None) -> str:
    """Return a value as text within `limit`: cut with a warning, or refused; None for as the settings say.

    Raises:
        InvalidValue: It is too long, and not to be cut.
    """
    found = encodable(value if isinstance(value, str) else str(value))
    if len(found) <= limit:
        return found
    if not (truncates() if truncate is None else truncate):
        raise InvalidValue(f"{kind} {key!r} is {len(found)} characters long; at most {limit} are allowed")
    logger.warning("%s %r is %d characters long and was cut to %d", kind, key, len(found), limit)
    return found[:limit]


def encodable(text: str) -> str:
    """Return text that has a UTF-8 form: halves of characters, as in undecodable file names, are escaped."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")


def run_id(value: Any) -> str:
    """Return a run id if it has the form of one. Raises: InvalidValue."""
    if not isinstance(value, str) or not _RUN_ID.fullmatch(value):
        raise InvalidValue(f"{_short(value)} is no run id; a run id is 32 hex characters, as `steno runs list` shows")
    return value


def experiment_name(value: Any) -> str:
    """Return an experiment's name if it is allowed. Raises: InvalidValue."""
    if not isinstance(value, str) or not value.strip():
        raise InvalidValue(f"an experiment's name is text and not empty, not {_short(value)}")
    if len(value) > EXPERIMENT_NAME_LENGTH:
        raise InvalidValue(
            f"an experiment's name has at most {EXPERIMENT_NAME_LENGTH} characters; this has {len(value)}"
        )
    return value


def _short(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else shown[:60] + "…"


def page_size(value: Any, most: int = MAX_RESULTS) -> int:
    """Return how many results a page may hold. Raises: InvalidValue outside 1..most."""
    found = integer("max_results", value)
    if not 1 <= found <= most:
        raise InvalidValue(f"max_results must be between 1 and {most}, not {found}")
    return found


def experiment_tags(tags: Mapping[str, Any]) -> dict[str, str]:
    """Return experiment tags as text. Raises: InvalidValue; they are never cut."""
    limit = EXPERIMENT_TAG_LENGTH
    return {check_key("tag", key): text("tag", key, value, limit, truncate=False) for key, value in tags.items()}


def registry_tags(tags: Mapping[str, Any]) -> dict[str, str]:
    """Return tags of registered models or versions as text. Raises: InvalidValue; they are never cut."""
    limit = REGISTRY_TAG_LENGTH
    return {check_key("tag", key): text("tag", key, value, limit, truncate=False) for key, value in tags.items()}


def logged_model_name(value: Any) -> str:
    """Return the name of a logged model if it is allowed. Raises: InvalidValue."""
    if not isinstance(value, str) or not value.strip():
        raise InvalidValue(f"a logged model's name is text and not blank, not {_short(value)}")
    wrong = sorted({c for c in value if c in "/:.%\"'" or not c.isprintable()})
    if wrong:
        raise InvalidValue(
            f"a logged model cannot be named {_short(value)}: {', '.join(map(repr, wrong))} cannot be in it"
        )
    return value


def model_params(params: Mapping[str, Any]) -> dict[str, str]:
    """Return params of a logged model as text. Raises: InvalidValue; they are never cut."""
    limit = REGISTRY_TAG_LENGTH
    return {check_key("param", key): text("param", key, value, limit, truncate=False) for key, value in params.items()}


def truncates() -> bool:
    """Whether values over a limit are cut rather than refused."""
    return settings.load(only=("truncate_long_values",)).truncate_long_values


def run_tags(tags: Mapping[str, Any]) -> dict[str, str]:
    """Return run tags as text. Raises: InvalidValue."""
    return {check_key("tag", key): text("tag", key, value, TAG_LENGTH, truncate=None) for key, value in tags.items()}


def run_params(params: Iterable[Param]) -> dict[str, str]:
    """Return params as text by key. Raises: InvalidValue, also where a key comes twice."""
    found: dict[str, str] = {}
    for param in params:
        if param.key in found:
            raise InvalidValue(f"param {param.key!r} is given twice in one batch")
        found[check_key("param", param.key)] = text("param", param.key, param.value, PARAM_LENGTH, truncate=None)
    return found
