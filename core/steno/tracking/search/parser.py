"""Filter and order_by text to conditions and keys, by recursive descent."""

from __future__ import annotations

import re
from collections.abc import Sequence

from steno.errors import FilterError, InvalidValue
from steno.queries import And, Condition, Not, Or, OrderKey
from steno.tracking.search.fields import EXPERIMENTS, LOGGED_MODELS, MODELS, RUNS, VERSIONS, Subject
from steno.tracking.search.printer import format_field
from steno.tracking.search.prompts import without_prompts
from steno.tracking.search.scanner import CLOSE, OPEN, Scanner
from steno.tracking.search.terms import read_comparison, read_field

# Bounds on what a store has to compile: SQLite takes expressions 1,000 deep.
MAX_LENGTH = 500_000
MAX_DEPTH = 40
MAX_CONDITIONS = 200

_AND = re.compile(r"AND\b", re.I)
_OR = re.compile(r"OR\b", re.I)
_NOT = re.compile(r"NOT\b", re.I)
_DIRECTION = re.compile(r"(?:ASC|DESC)\b", re.I)

Parsed = tuple[Condition | None, tuple[OrderKey, ...]]


def parse_runs(filter_string: str | None, order_by: Sequence[str] = ()) -> Parsed:
    """Parse a search over runs.

    Args:
        filter_string: The condition; None or "" for none.
        order_by: Keys like "metrics.loss ASC", most important first.

    Returns:
        The condition and the keys, attributes under their one canonical name.

    Raises:
        FilterError: It does not parse; points at the place and names the remedy.
        InvalidValue: An argument is not text, or not a list of texts.
    """
    return _parse(RUNS, filter_string, order_by)


def parse_experiments(filter_string: str | None, order_by: Sequence[str] = ()) -> Parsed:
    """Parse a search over experiments. Arguments, result and errors as for `parse_runs`."""
    return _parse(EXPERIMENTS, filter_string, order_by)


def parse_registered_models(filter_string: str | None, order_by: Sequence[str] = ()) -> Parsed:
    """Parse a search over registered models, which hides prompts unless it asks for them (see `prompts`).

    Arguments, result and errors as for `parse_runs`.
    """
    where, keys = _parse(MODELS, filter_string, order_by)
    return without_prompts(where), keys


def parse_model_versions(filter_string: str | None, order_by: Sequence[str] = ()) -> Parsed:
    """Parse a search over model versions, which hides those of prompts as `parse_registered_models` does."""
    where, keys = _parse(VERSIONS, filter_string, order_by)
    return without_prompts(where), keys


def parse_logged_model_filter(text: str | None) -> Condition | None:
    """Parse the condition of a search over logged models. Errors as for `parse_runs`."""
    return _parse(LOGGED_MODELS, text, ())[0]


def parse_logged_model_order(text: str) -> OrderKey:
    """Parse one key to order logged models by. Errors as for `parse_runs`."""
    return _parse(LOGGED_MODELS, None, (text,))[1][0]


def _parse(subject: Subject, filter_string: str | None, order_by: Sequence[str]) -> Parsed:
    if isinstance(order_by, str):
        raise InvalidValue(f"order_by is a list of texts, one key each: order_by=[{order_by!r}]")
    where = None if filter_string in (None, "") else _Parser(subject, filter_string).filter()
    keys: list[OrderKey] = []
    for text in order_by or ():
        key = _Parser(subject, text).order_key()
        if any(key.field == earlier.field for earlier in keys):
            raise FilterError("this key is in order_by twice; leave one out", text, 0)
        keys.append(key)
    return where, tuple(keys)


class _Parser:
    """One text on its way to a condition or an order key."""

    def __init__(self, subject: Subject, text: str | None) -> None:
        self._subject = subject
        self._scan = Scanner(_checked(text))
        self._depth = 0
        self._conditions = 0

    def filter(self) -> Condition:
        if self._scan.at_end:
            raise self._scan.fail("the filter is blank; for no filter give an empty text or None")
        condition = self._condition()
        if not self._scan.at_end:
            raise self._scan.unexpected("AND, OR or the end")
        return condition

    def order_key(self) -> OrderKey:
        field = read_field(self._scan, self._subject)
        if not self._subject.orderable(field):
            raise self._scan.fail(f"results cannot be ordered by {format_field(field)}", 0)
        direction = self._scan.token(_DIRECTION)
        if not self._scan.at_end:
            raise self._scan.unexpected("ASC, DESC or the end")
        return OrderKey(field, ascending=direction is None or direction.upper() == "ASC")

    def _condition(self) -> Condition:
        parts = [self._conjunction()]
        while self._scan.token(_OR):
            parts.append(self._conjunction())
        return parts[0] if len(parts) == 1 else Or(_flat(Or, parts))

    def _conjunction(self) -> Condition:
        parts = [self._negation()]
        while self._scan.token(_AND):
            if self._scan.at_end:
                break
            parts.append(self._negation())
        return parts[0] if len(parts) == 1 else And(_flat(And, parts))

    def _negation(self) -> Condition:
        start = self._scan.position
        if self._scan.token(_NOT):
            self._enter(start)
            condition: Condition = Not(self._negation())
        elif self._scan.token(OPEN):
            self._enter(start)
            condition = self._condition()
            if not self._scan.token(CLOSE):
                raise self._scan.unexpected("AND, OR or ')'")
        else:
            return self._comparison()
        self._depth -= 1
        return condition

    def _comparison(self) -> Condition:
        self._conditions += 1
        if self._conditions > MAX_CONDITIONS:
            raise self._scan.fail(f"more than {MAX_CONDITIONS} conditions; use IN or split the search")
        return read_comparison(self._scan, self._subject)

    def _enter(self, start: int) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise self._scan.fail(f"nested more than {MAX_DEPTH} deep; write it flatter", start)


def _flat(kind: type[And] | type[Or], parts: list[Condition]) -> tuple[Condition, ...]:
    """`(a AND b) AND c` as one And of three."""
    return tuple(inner for part in parts for inner in (part.parts if isinstance(part, kind) else (part,)))


def _checked(text: str | None) -> str:
    if not isinstance(text, str):
        raise InvalidValue(f"a filter or order_by key is text, not {type(text).__name__}")
    if len(text) > MAX_LENGTH:
        raise FilterError(f"longer than {MAX_LENGTH} characters; split the search", text[:40] + " ...", 0)
    try:
        text.encode()
    except UnicodeEncodeError as error:
        safe = text.encode(errors="replace").decode()
        raise FilterError("this character is half a surrogate pair, not text", safe, error.start) from None
    return text
