"""Rows of keys with JSON texts, as Weights & Biases keeps history, summary and config, and the numbers in them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from msgspec import Struct

_TYPE = "_type"
_TRUTH = {"true": 1.0, "false": 0.0}


class Row(Struct):
    """One row.

    Attributes:
        values: What is a number, by its key; truth values are 1 and 0, keys of what is nested are joined by dots.
        others: The rest: texts, and descriptions of images, tables, histograms.
    """

    values: dict[str, float] = {}
    others: dict[str, Any] = {}


def row_of(items: Iterable[Any]) -> Row:
    """Read a row. Raises: ValueError for what is no JSON."""
    found = [(item.key or ".".join(item.nested_key), item.value_json) for item in items]
    # Of media each part is an item of its own, with one that tells the type.
    media = tuple(f"{key[: -len(_TYPE)]}" for key, _ in found if key.endswith(f".{_TYPE}"))
    row = Row()
    for key, text in found:
        if media and (whole := next((prefix for prefix in media if key.startswith(prefix)), "")):
            row.others.setdefault(whole[:-1], {})[key[len(whole) :]] = json.loads(text)
            continue
        try:
            row.values[key] = float(text)
        except ValueError:
            _add(row, key, _TRUTH.get(text) if text in _TRUTH else json.loads(text))
    return row


def _add(row: Row, key: str, value: Any) -> None:
    if isinstance(value, dict) and value and _TYPE not in value:
        for name, each in value.items():
            _add(row, f"{key}.{name}", each)
    elif isinstance(value, int | float):
        row.values[key] = float(value)
    else:
        row.others[key] = value


def flat(key: str, text: str) -> Iterator[tuple[str, str]]:
    """Yield what a JSON text holds as params, nested keys joined by dots; a number stays written as it is."""
    value = json.loads(text)
    if isinstance(value, int | float) and not isinstance(value, bool):
        yield key, text
    else:
        yield from _flat(key, value)


def _flat(key: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict) and value:
        for name, each in value.items():
            yield from _flat(f"{key}.{name}", each)
    else:
        yield key, json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)
