"""Conditions as text that parses back to the same tree; without OR, NOT and statistics it is MLflow's too."""

from __future__ import annotations

import math

from steno.queries import And, Compare, Condition, Entity, Field, Not, Or, OrderKey, Stat

_PREFIX = {
    Entity.METRIC: "metrics.",
    Entity.PARAM: "params.",
    Entity.TAG: "tags.",
    Entity.DATASET: "dataset.",
    Entity.ATTRIBUTE: "",
}


def format_condition(condition: Condition) -> str:
    """The filter text of a condition, with no more parentheses than it needs."""
    match condition:
        case Compare():
            return _comparison(condition)
        case Not(inner):
            text = format_condition(inner)
            return f"NOT {text}" if isinstance(inner, Compare | Not) else f"NOT ({text})"
        case And(parts):
            texts = [(part, format_condition(part)) for part in parts]
            return " AND ".join(f"({text})" if isinstance(part, Or) else text for part, text in texts)
        case Or(parts):
            return " OR ".join(format_condition(part) for part in parts)


def format_field(field: Field) -> str:
    """The text of a field; keys that any name may take are always quoted, for no name is then special."""
    if field.entity in (Entity.ATTRIBUTE, Entity.DATASET):
        return _PREFIX[field.entity] + field.key
    key = field.key.replace("`", "``")
    stat = "" if field.stat is Stat.LAST else f".{field.stat}"
    return f"{_PREFIX[field.entity]}`{key}`{stat}"


def format_order(key: OrderKey) -> str:
    """The text of one order_by element."""
    return f"{format_field(key.field)} {'ASC' if key.ascending else 'DESC'}"


def _comparison(condition: Compare) -> str:
    return f"{format_field(condition.field)} {condition.op} {_value(condition.value)}".rstrip()


def _value(value: str | int | float | tuple[str, ...] | None) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, tuple):
        return f"({', '.join(map(_quoted, value))})"
    if isinstance(value, float) and math.isinf(value):
        return "1e999" if value > 0 else "-1e999"  # the grammar has no word for infinity
    return repr(value)


def _quoted(text: str) -> str:
    quote = '"' if "'" in text and '"' not in text else "'"
    return quote + text.replace(quote, quote * 2) + quote
