"""How large, how deep and how often repeated a YAML text of unknown origin may be: told before anything is built of it.

PyYAML's compiled reader follows nesting on the process's own stack, so that a small file can end the process; and an
alias costs nothing in the file, while each who walks or prints what was read meets it in full.
"""

from __future__ import annotations

import re
from typing import Any

from steno.errors import ModelError

MOST_VALUES = 300_000
MOST_DEPTH = 100
# PyYAML makes a number of a text in steps whose cost grows with the square of its length.
_MOST_DIGITS = 1000
_NUMBER = re.compile(r"[-+0-9._:eExXa-fA-F]+")


def check(text: str | bytes, where: str) -> None:
    """Read a text from end to end, event by event, and refuse it if it grows without measure.

    Raises:
        ModelError: It is nested too deeply, holds too many values (those that stand behind an alias count each time),
            or a part of it holds itself.
        yaml.YAMLError: It is no YAML.
    """
    import yaml

    counter = _Counter(where)
    for event in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
        counter.step(event)


class _Counter:
    """What has been read so far: the values there are, and which anchors stand open."""

    def __init__(self, where: str) -> None:
        self._where = where
        self._count = 0
        self._open: list[tuple[str | None, int]] = []  # each container's anchor, and the count where it began
        self._sizes: dict[str, int] = {}

    def step(self, event: Any) -> None:
        kind = type(event).__name__
        if kind == "AliasEvent":
            self._add(self._size(event.anchor))
        elif kind == "ScalarEvent":
            self._scalar(event)
        elif kind in ("MappingStartEvent", "SequenceStartEvent"):
            self._open.append((event.anchor, self._count))
            self._add(1)
            if len(self._open) > MOST_DEPTH:
                raise ModelError(f"{self._where} is nested more than {MOST_DEPTH} deep; nothing was made of it")
        elif kind in ("MappingEndEvent", "SequenceEndEvent"):
            anchor, before = self._open.pop()
            if anchor is not None:
                self._sizes[anchor] = self._count - before

    def _scalar(self, event: Any) -> None:
        self._add(1)
        if event.anchor is not None:
            self._sizes[event.anchor] = 1
        if not event.style and len(event.value) > _MOST_DIGITS and _NUMBER.fullmatch(event.value):
            raise ModelError(f"{self._where} holds a number of {len(event.value)} digits; nothing was made of it")

    def _size(self, anchor: str) -> int:
        if any(each == anchor for each, _ in self._open):
            raise ModelError(f"{self._where} holds a part that holds itself, {anchor!r}; nothing was made of it")
        return self._sizes.get(anchor, 1)  # an alias of nothing: the reader's own error tells

    def _add(self, values: int) -> None:
        self._count += values
        if self._count > MOST_VALUES:
            raise ModelError(f"{self._where} holds more than {MOST_VALUES} values; nothing was made of it")
