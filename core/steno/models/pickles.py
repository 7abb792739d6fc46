"""Reads pickles of unknown origin: lists what one would import without running it, and loads with only that admitted.

A pickle is a program. Two doors stand before it, and each would do alone: `imports` walks its opcodes with a model of
the stack and refuses every program whose imports cannot be told by reading; `loads` runs it on an Unpickler that
resolves nothing but the names it was given.

Source: the opcodes' effects are those of the standard library's `pickletools`.
"""

from __future__ import annotations

import io
import pickle
import pickletools
from collections.abc import Collection, Mapping
from typing import Any

from steno.errors import ModelError, UntrustedTypes

_MOST_VALUES, _MOST_TIMES = 1_000_000, 10

_UNKNOWN = object()
_MARK = object()
_TEXT = frozenset(
    {"SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8", "UNICODE", "STRING", "BINSTRING", "SHORT_BINSTRING"}
)
_PUT = frozenset({"PUT", "BINPUT", "LONG_BINPUT"})
_GET = frozenset({"GET", "BINGET", "LONG_BINGET"})
_HASHED = frozenset({"TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "FROZENSET"})
# What damaged opcodes and mistaken arguments make the machine, or a type it may construct, raise.
_FAULTS = (
    pickle.UnpicklingError,
    AttributeError,
    EOFError,
    ImportError,
    LookupError,
    MemoryError,
    OverflowError,
    RecursionError,
    TypeError,
    ValueError,
)
# Objects by number from a process-wide table, or handed over from outside: neither belongs in a model.
_PERSISTENT = frozenset({"PERSID", "BINPERSID"})
_REFUSED = frozenset({"EXT1", "EXT2", "EXT4", "NEXT_BUFFER", "READONLY_BUFFER"})


def imports(data: bytes, where: str, *, persistent: bool = False) -> frozenset[str]:
    """Return the qualified names ("module.name") that loading a pickle would import. Nothing is executed.

    Args:
        data: The pickle.
        where: What to call it in an error.
        persistent: It may take objects from its reader by an id, as formats do that keep large data beside a pickle.

    Raises:
        ModelError: It is damaged, or made so that its imports cannot be told by reading.
    """
    reader = _Reader(where, len(data), _REFUSED if persistent else _REFUSED | _PERSISTENT)
    try:
        for opcode, argument, _ in pickletools.genops(data):
            reader.step(opcode, argument)
    except _FAULTS as error:
        raise ModelError(f"{where} is no sound pickle, so nothing of it was executed: {error}") from error
    return frozenset(reader.names)


def loads(data: bytes, admitted: Collection[str], where: str, *, instead: Mapping[str, Any] | None = None) -> Any:
    """Load a pickle that imports nothing but `admitted`.

    Args:
        data: The pickle.
        admitted: Qualified names.
        where: What to call it in an error.
        instead: What some of the names stand for, so that their modules are not imported.

    Raises:
        UntrustedTypes: It imports something else; nothing was executed.
        ModelError: It is damaged, or its imports cannot be told by reading.
    """
    admitted = frozenset(admitted)
    if unknown := imports(data, where) - admitted:
        raise UntrustedTypes(where, unknown)
    try:
        return _Unpickler(data, admitted, where, instead or {}).load()
    except _FAULTS as error:
        raise ModelError(f"{where} cannot be loaded: {error}") from error


class _Unpickler(pickle.Unpickler):
    def __init__(self, data: bytes, admitted: frozenset[str], where: str, instead: Mapping[str, Any]) -> None:
        super().__init__(io.BytesIO(data))
        self._admitted, self._where, self._instead = admitted, where, instead

    def find_class(self, module_name: str, global_name: str, /) -> Any:
        name = f"{module_name}.{global_name}"
        if name not in self._admitted:
            raise UntrustedTypes(self._where, [name])
        if name in self._instead:
            return self._instead[name]
        return super().find_class(module_name, global_name)


def _values(entry: Any) -> int:
    """Return how many values an entry of the stack holds: a number where it is a tuple."""
    return entry if isinstance(entry, int) else 1


class _Reader:
    """The pickle machine with everything but text and stack taken out."""

    def __init__(self, where: str, size_bytes: int, refused: frozenset[str]) -> None:
        self.where = where
        self._refused = refused
        self._size_bytes = size_bytes
        self.names: set[str] = set()
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}

    def step(self, opcode: Any, argument: Any) -> None:
        name = opcode.name
        if name in self._refused:
            raise ModelError(f"{self.where} uses {name}, which no model needs; nothing was executed")
        if name in _TEXT:
            self._stack.append(argument)
        elif name in _PUT:
            # The machine keeps its memo as an array, so one large number would take all memory.
            if int(argument) > self._size_bytes:
                raise ModelError(f"{self.where} numbers more objects than it can hold; nothing was executed")
            self._memo[int(argument)] = self._stack[-1]
        elif name == "MEMOIZE":
            self._memo[len(self._memo)] = self._stack[-1]
        elif name in _GET:
            self._stack.append(self._memo[int(argument)])
        elif name == "DUP":
            self._stack.append(self._stack[-1])
        elif name == "STACK_GLOBAL":
            self._import(self._stack.pop(-2), self._stack.pop())
        else:
            if name in ("GLOBAL", "INST"):
                self.names.add(".".join(argument.split(" ", 1)))
            self._other(opcode)

    def _import(self, module: Any, name: Any) -> None:
        if not isinstance(module, str) or not isinstance(name, str):
            raise ModelError(f"{self.where} imports a name that it computes; nothing was executed")
        self.names.add(f"{module}.{name}")
        self._stack.append(_UNKNOWN)

    def _other(self, opcode: Any) -> None:
        """Apply an opcode by its declared effect on the stack."""
        before = list(opcode.stack_before)
        if opcode.name == "POP" and self._stack[-1] is _MARK:  # as the machine does
            self._stack.pop()
            return
        values = 1
        if pickletools.markobject in before:
            while (taken := self._stack.pop()) is not _MARK:
                values += _values(taken)
            before = before[: before.index(pickletools.markobject)]
        for _ in before:
            values += _values(self._stack.pop())
        if opcode.name in _HASHED:
            self._stack.append(self._bounded(values))
            return
        self._stack += [_MARK if kind is pickletools.markobject else _UNKNOWN for kind in opcode.stack_after]

    def _bounded(self, values: int) -> int:
        """Return the number of values in a tuple, those that stand in it several times counted each time.

        As a key it is hashed in full, so that a few dozen opcodes could keep the machine busy for ever.
        """
        if values > _MOST_VALUES + _MOST_TIMES * self._size_bytes:
            raise ModelError(f"{self.where} holds one value more often than it has bytes; nothing was executed")
        return values
