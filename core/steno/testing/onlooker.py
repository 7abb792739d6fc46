"""Advice that stands round an integration's own and sees what that does with the user's things."""

from __future__ import annotations

import pickle
import time
import weakref
from collections.abc import Generator, Iterator
from contextvars import ContextVar
from typing import Any

import msgspec

from steno.contracts.integration import Advice, Patch

_ABSENT = object()
_CLOCK_S = 2.1  # archives tell the time in steps of two seconds
_pickling: ContextVar[bool] = ContextVar("steno_testing_pickling", default=False)


def does_nothing(call: Any) -> Generator[None, Any, None]:
    """Advice that only stands there."""
    yield


class Changes:
    """Notes what advice changes of what the user gave, and of what the user gets.

    Attributes:
        found: What was changed, and when.
    """

    def __init__(self) -> None:
        self.found: set[str] = set()

    def look(self, patch: Patch) -> Patch:
        """Return the row with someone looking on."""
        return patch if patch.advice is None else msgspec.structs.replace(patch, advice=self._round(patch.advice))

    def _round(self, advice: Advice) -> Advice:
        def onlooker(call: Any) -> Generator[None, Any, None]:
            if _pickling.get():
                yield  # a watched method that a pickle of ours calls: looking at it would pickle again
                return
            given = _given(call)
            inner = advice(call)
            before = _Compared(given)
            next(inner)
            lent = before.changed()
            try:
                result = yield
            except BaseException as error:  # the user's, handed on to the advice looked at
                inner.throw(error)
                return
            after = _Compared({**given, "the result": result})
            _send(inner, result)
            # What advice put into an object for the length of the call, and took out again, is none of the user's.
            for when, changed in (("before", lent), ("after", after.changed())):
                left = {name: each for name, each in changed.items() if not before.is_back(name, each)}
                self._note(call, when, left)

        return onlooker

    def _note(self, call: Any, when: str, changed: dict[str, set[str]]) -> None:
        for name, attributes in changed.items():
            which = f" ({', '.join(sorted(attributes))})" if attributes else ""
            self.found.add(f"{call.target}: {when} the user's call, advice changed {name}{which}")


def _send(inner: Generator[None, Any, None], result: Any) -> None:
    try:
        inner.send(result)
    except StopIteration:
        return


class _Compared:
    """Some things as they are now, for comparison later."""

    def __init__(self, things: dict[str, Any]) -> None:
        self._things = things
        first, again = ({name: _digest(thing) for name, thing in things.items()} for _ in range(2))
        # A pickle may hold the time; then the attributes have to do.
        self._vague = {name for name in things if first[name] is None or first[name] != again[name]}
        self._digests = first
        self._outlines = {name: _outline(thing) for name, thing in things.items()}

    def changed(self) -> dict[str, set[str]]:
        """Return what is not as it was: by name the attributes, as far as they can be told."""
        found = {}
        for name, thing in self._things.items():
            attributes = _differing(self._outlines[name], _outline(thing))
            if self._differs(name, thing, attributes):
                found[name] = attributes
        return found

    def _differs(self, name: str, thing: Any, attributes: set[str]) -> bool:
        if name in self._vague:
            return bool(attributes)
        now = _digest(thing)
        if now == self._digests[name] or attributes:
            return bool(now != self._digests[name])
        time.sleep(_CLOCK_S)  # twice the same within a second tells little
        if _digest(thing) == now:
            return True
        self._vague.add(name)
        return False

    def is_back(self, name: str, attributes: set[str]) -> bool:
        """Whether these attributes are what they were."""
        if name not in self._things or not attributes:
            return False
        return not attributes & _differing(self._outlines[name], _outline(self._things[name]))


def _differing(one: dict[str, Any], other: dict[str, Any]) -> set[str]:
    return {name for name in one.keys() | other.keys() if one.get(name, _ABSENT) != other.get(name, _ABSENT)}


def _given(call: Any) -> dict[str, Any]:
    """Return everything the user gave; advice may add to `call.kwargs`, but not change what is in it."""
    things = {f"argument {number}": value for number, value in enumerate(call.args)}
    things |= {f"argument {name}": value for name, value in call.kwargs.items()}
    return things if call.instance is None else {**things, "the instance": call.instance}


def _digest(thing: Any) -> Any:
    before = _pickling.set(True)
    try:
        return pickle.dumps(thing)
    except Exception:  # advice: an object of the user's may refuse in any way
        return None
    finally:
        _pickling.reset(before)


def _outline(thing: Any) -> dict[str, Any]:
    """Return the attributes of an object that can be compared: plain ones by value, others by identity."""
    found = vars(thing) if hasattr(thing, "__dict__") else {}
    return {name: _atom(value) for name, value in found.items()}


def _atom(value: Any) -> Any:
    if isinstance(value, float):
        return repr(value)  # NaN is not equal to itself
    if isinstance(value, str | int | bool):
        return value
    if isinstance(value, dict):
        return [(id(key), id(each)) for key, each in value.items()]
    return [id(each) for each in value] if isinstance(value, list | tuple) else id(value)


class Kept:
    """Notes what of the user's things passes through advice, and what of it is still there later."""

    def __init__(self) -> None:
        self._seen: list[tuple[str, weakref.ref[Any]]] = []

    def look(self, patch: Patch) -> Patch:
        """Return the row with someone looking on."""
        return patch if patch.advice is None else msgspec.structs.replace(patch, advice=self._round(patch.advice))

    def instead(self, patch: Patch) -> Patch:
        """Return the row with someone looking on, and nobody else."""
        if patch.advice is not None:
            return msgspec.structs.replace(patch, advice=self._round(does_nothing))
        return msgspec.structs.replace(patch, **{"tap" if patch.tap else "hook": _ignores}, contains=False)

    def add(self, name: str, thing: Any) -> None:
        """Note a thing, and what it consists of where it is a list or the like."""
        for part in _parts(thing):
            try:
                self._seen.append((f"{name} ({type(part).__name__})", weakref.ref(part)))
            except TypeError:
                continue

    def alive(self) -> list[str]:
        """Return what is still there, sorted."""
        return sorted({id(reference()): name for name, reference in self._seen if reference() is not None}.values())

    def _round(self, advice: Advice) -> Advice:
        def onlooker(call: Any) -> Generator[None, Any, None]:
            for name, thing in _given(call).items():
                self.add(f"{call.target}: {name}", thing)
            thing = None
            inner = advice(call)
            next(inner)
            try:
                result = yield
            except BaseException as error:  # the user's, handed on to the advice looked at
                inner.throw(error)
                return
            self.add(f"{call.target}: the result", result)
            _send(inner, result)

        return onlooker


def _ignores(*args: Any, **kwargs: Any) -> None:
    return


def _parts(thing: Any) -> Iterator[Any]:
    if isinstance(thing, dict):
        thing = list(thing.values())
    if isinstance(thing, list | tuple):
        yield from thing
    else:
        yield thing
