"""Reads the parts of one comparison: its field, operator and value."""

from __future__ import annotations

import re

from steno.queries import Compare, Entity, Field, Stat
from steno.tracking.search.fields import MEMBERSHIP, PRESENCE, STATS, Subject
from steno.tracking.search.printer import format_field
from steno.tracking.search.scanner import (
    BACKTICKED,
    CLOSE,
    COMMA,
    DOT,
    NUMBER,
    OPEN,
    PATH,
    QUOTED,
    WORD,
    Scanner,
    unquote,
)

MAX_LIST = 10_000  # SQLite binds at most 32,766 values
MAX_INTEGER = 2**63 - 1

_OPERATOR = re.compile(r"[<>=!]++|(?:NOT\s+)?(?:LIKE|ILIKE|IN|RLIKE|REGEXP|BETWEEN)\b|IS(?:\s+NOT)?\s+NULL\b", re.I)
_INTEGER = re.compile(r"-?[0-9]{1,18}")
_REMEDIES = {
    "==": "write =",
    "<>": "write !=",
    "NOT LIKE": "write NOT before the field: NOT params.a LIKE 'x%'",
    "NOT ILIKE": "write NOT before the field: NOT params.a ILIKE 'x%'",
    "BETWEEN": "write two comparisons: a >= 1 AND a <= 2",
    "REGEXP": "use LIKE with % and _",
    "RLIKE": "use LIKE with % and _",
}
_KEY_HINT = "; quote a key that is more than letters, digits, _ and .: metrics.`val-loss`"


def read_comparison(scan: Scanner, subject: Subject) -> Compare:
    """Take `field operator value`. Raises: FilterError."""
    start = scan.position
    field = read_field(scan, subject)
    if not subject.kind(field).operators:
        raise scan.fail(f"one can order by {format_field(field)}, but not search by it", start)
    operator = _operator(scan, subject, field)
    if operator in PRESENCE:
        return Compare(field, operator)
    if operator in MEMBERSHIP:
        return Compare(field, operator, _list(scan))
    if subject.kind(field).is_number:
        whole = _quoted_integer(scan) if subject.kind(field).quoted else None
        return Compare(field, operator, _number(scan, field) if whole is None else whole)
    return Compare(field, operator, _text(scan))


def read_field(scan: Scanner, subject: Subject) -> Field:
    """Take `prefix.key` or the name of an attribute. Raises: FilterError."""
    start = scan.position
    prefix = scan.take(BACKTICKED) or scan.take(WORD)
    if prefix is None:
        raise scan.unexpected("a field such as metrics.loss, params.lr or status")
    prefix = unquote(prefix) if prefix.startswith("`") else prefix
    if scan.take(DOT):
        field = _keyed(scan, subject, prefix, start)
    else:
        field = Field(Entity.ATTRIBUTE, _name(scan, subject, Entity.ATTRIBUTE, prefix, start))
    scan.skip_space()
    return field


def _keyed(scan: Scanner, subject: Subject, prefix: str, start: int) -> Field:
    entity = subject.prefixes.get(prefix)
    if entity is None:
        raise scan.fail(f"unknown prefix {prefix!r}; known: {', '.join(subject.prefixes)}", start)
    start = scan.position
    quoted = scan.take(BACKTICKED) or (scan.take(QUOTED) if scan.text.startswith('"', start) else None)
    key = unquote(quoted) if quoted else scan.take(PATH)
    if not key:
        raise scan.fail(f"a key is missing after {prefix!r} and the dot, as in tags.team or tags.`my team`", start)
    if entity is Entity.METRIC:
        return _metric(scan, key, is_quoted=quoted is not None)
    return Field(entity, _name(scan, subject, entity, key, start))


def _metric(scan: Scanner, key: str, *, is_quoted: bool) -> Field:
    if is_quoted:
        if not scan.take(DOT):
            return Field(Entity.METRIC, key)
        stat = scan.sees(PATH)
        if stat not in STATS:
            raise scan.unexpected(f"one of {' '.join(sorted(STATS))} after the quoted key")
        scan.take(PATH)
        return Field(Entity.METRIC, key, Stat(stat))
    head, _, tail = key.rpartition(".")
    return Field(Entity.METRIC, head, Stat(tail)) if head and tail in STATS else Field(Entity.METRIC, key)


def _name(scan: Scanner, subject: Subject, entity: Entity, key: str, start: int) -> str:
    """The canonical name, where the names of an entity are a closed set."""
    names = subject.names.get(entity)
    if names is None:
        return key
    name = subject.aliases.get(key, key) if entity is Entity.ATTRIBUTE else key
    if name in names:
        return name
    hint = "" if entity is Entity.DATASET else f". Anything else needs its prefix: tags.`{key}`"
    raise scan.fail(f"unknown {entity} {key!r}; known: {', '.join(names)}{hint}", start)


def _operator(scan: Scanner, subject: Subject, field: Field) -> str:
    start = scan.position
    found = scan.token(_OPERATOR)
    allowed = " ".join(subject.kind(field).operators)
    if found is None:
        raise scan.unexpected(f"one of {allowed} after {format_field(field)}", _KEY_HINT)
    operator = " ".join(found.upper().split())
    if operator not in subject.kind(field).operators:
        remedy = _REMEDIES.get(operator, f"it takes {allowed}")
        raise scan.fail(f"{format_field(field)} cannot be compared with {operator}; {remedy}", start)
    return operator


def _text(scan: Scanner) -> str:
    quoted = scan.token(QUOTED)
    if quoted is None:
        bare = scan.sees(PATH) or scan.sees(NUMBER) or scan.sees(BACKTICKED)
        hint = f"; texts need quotes: '{bare.strip('`')}'" if bare else ""
        raise scan.unexpected("a quoted text", hint)
    return unquote(quoted)


def _quoted_integer(scan: Scanner) -> int | None:
    quoted = scan.sees(QUOTED)
    digits = unquote(quoted) if quoted else ""
    if not _INTEGER.fullmatch(digits):
        return None
    scan.token(QUOTED)
    return int(digits)


def _number(scan: Scanner, field: Field) -> int | float:
    start = scan.position
    digits = scan.token(NUMBER)
    if digits is None:
        hint = "; numbers are written without quotes" if scan.sees(QUOTED) else ""
        raise scan.unexpected(f"a number for {format_field(field)}", hint)
    if not digits.lstrip("-").isdigit():
        return float(digits)
    # A float first: int() refuses thousands of digits with an error of its own.
    if abs(float(digits)) < MAX_INTEGER:
        return int(digits)
    if field.entity is Entity.METRIC and field.stat not in (Stat.COUNT, Stat.STEP):
        return float(digits)
    raise scan.fail(f"{format_field(field)} holds whole numbers below 2**63", start)


def _list(scan: Scanner) -> tuple[str, ...]:
    if not scan.token(OPEN):
        raise scan.unexpected("a list: ('a', 'b')")
    values = [_text(scan)]
    while scan.token(COMMA):
        values.append(_text(scan))
        if len(values) > MAX_LIST:
            raise scan.fail(f"more than {MAX_LIST} values in a list; split the search")
    if not scan.token(CLOSE):
        raise scan.unexpected("',' or ')'")
    return tuple(values)
