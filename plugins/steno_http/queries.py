"""Searches as MLflow's servers understand them, and pages that know which search they are of."""

from __future__ import annotations

import base64
import hashlib
import math
from typing import Any

import msgspec
from msgspec.structs import replace
from steno.errors import InvalidValue
from steno.queries import And, Compare, Condition, Entity, Field, Not, OrderKey, Stat
from steno.records import Tags
from steno.tracking.search import format_condition, format_order

from steno_http.run_ids import RunIds

MOST_RESULTS = 50_000
_EQUAL = ("=", "!=")
_MEMBER = ("IN", "NOT IN")
_PROMPT = Field(Entity.TAG, "mlflow.prompt.is_prompt")
_RUN_ID = Field(Entity.ATTRIBUTE, "run_id")
_PARENT = Field(Entity.TAG, Tags.PARENT_RUN_ID)


def filter_text(where: Condition | None, ids: RunIds, *, whole_language: bool) -> str | None:
    """Return a condition as filter text, runs named as the server knows them.

    Args:
        whole_language: Whether the server knows all of the language: a steno server does, and has our ids.

    Raises:
        InvalidValue: MLflow's language has no words for it.
    """
    if where is None:
        return None
    if whole_language:
        return format_condition(where) or None
    parts = [_of(part, ids) for part in flat(where)]
    return format_condition(And(tuple(parts))) or None


def order_texts(keys: tuple[OrderKey, ...], *, whole_language: bool) -> list[str] | None:
    """Return keys to order by as text. Raises: InvalidValue."""
    for key in () if whole_language else keys:
        _check_field(key.field)
    return [format_order(key) for key in keys] or None


def page_size(wanted: int, most: int) -> int:
    """Return the length of a page if it is allowed. Raises: InvalidValue."""
    if not 1 <= wanted <= most:
        raise InvalidValue(f"max_results is between 1 and {most}, not {wanted}")
    return wanted


class Place:
    """Where a page begins: the server's token, bound to the search that it came from.

    Args:
        query: Any of the queries; its `page_token` is read, all else but `max_results` is what the token is bound to.

    Raises:
        InvalidValue: The token is none, or of another search.
    """

    def __init__(self, query: Any) -> None:
        rest = replace(query, page_token=None, max_results=1)
        of_kind = type(query).__name__.encode() + repr(rest).encode()
        self._mark = hashlib.blake2b(of_kind, digest_size=9).hexdigest()
        self.token: str | None = None
        if query.page_token:
            try:
                mark, self.token = msgspec.json.decode(base64.urlsafe_b64decode(query.page_token), type=tuple[str, str])
            except (ValueError, msgspec.DecodeError) as error:
                raise InvalidValue("this page token was not made by a search here: begin without one") from error
            if mark != self._mark:
                raise InvalidValue("this page token is of another search: begin without one")

    def next(self, token: str | None) -> str | None:
        """Return the token of the page that the server says comes next."""
        if not token:
            return None
        return base64.urlsafe_b64encode(msgspec.json.encode((self._mark, token))).decode("ascii")


def flat(condition: Condition) -> list[Compare]:
    """Return the comparisons that all have to hold. Raises: InvalidValue for what MLflow's language cannot say."""
    match condition:
        case Compare():
            return [condition]
        case And(parts):
            return [each for part in parts for each in flat(part)]
        case Not(Compare(field, "=", "true")) if field == _PROMPT:
            return [Compare(field, "!=", "true")]  # which to MLflow means: not that, or without the tag
        case _:
            raise InvalidValue(
                f"an MLflow server knows neither OR nor NOT, as in {format_condition(condition)!r}: search once for "
                "each part"
            )


def _of(compare: Compare, ids: RunIds) -> Compare:
    _check_field(compare.field)
    texts = compare.value if isinstance(compare.value, tuple) else (compare.value,)
    if any(isinstance(text, str) and "'" in text and '"' in text for text in texts):
        raise InvalidValue(f"an MLflow server cannot be asked for a text with both ' and \" in it: {compare.value!r}")
    if isinstance(compare.value, float) and 1e16 <= abs(compare.value) < math.inf:
        return replace(compare, value=int(compare.value))  # 1e+20 is no number there: the sign is one too many
    if compare.field == _RUN_ID and compare.op in _MEMBER and isinstance(compare.value, tuple):
        return replace(compare, value=tuple(ids.known(compare.value)))
    if compare.field in (_RUN_ID, _PARENT) and compare.op in _EQUAL and isinstance(compare.value, str):
        return replace(compare, value=ids.known([compare.value])[0])
    return compare


def _check_field(field: Field) -> None:
    if field.stat is not Stat.LAST:
        raise InvalidValue(f"an MLflow server keeps the last value of a metric, no {field.stat} of {field.key!r}")
    if "`" in field.key:
        raise InvalidValue(f"an MLflow server cannot be asked for a key with a backtick in it: {field.key!r}")
