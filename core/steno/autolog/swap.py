"""Stands in for a Python function by exchanging its code: its identity, name and pickle stay as they are."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import lru_cache
from types import CodeType, FunctionType
from typing import Any

_GATHERS = inspect.CO_VARARGS | inspect.CO_VARKEYWORDS
_SUSPENDS = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR | inspect.CO_ITERABLE_COROUTINE


# Its closure has as many cells as that of the function whose place it takes: the interpreter reads a frame's locals
# through them, and would crash on cells that the code did not ask for. The last line is never reached.
_STUB = """
def outer({cells}):
    def stub(*args, **kwargs):
        stand_in = "stand-in"
        try:
            return stand_in(*args, **kwargs)
        except BaseException as error:
            error.with_traceback(error.__traceback__.tb_next)
            raise
        return {cells}
    return stub
"""
# The same for a function on the path of each step of a loop: with its own parameters, and what only looks on called
# from here. Packing arguments and passing through two more frames would cost as much as all that is done with them.
_TAPPED = """
def outer({cells}):
    def stub({parameters}):
        stand_in = "stand-in"
        inside = "inside"
        original = "original"
        try:
            tap = stand_in.lone_tap
            call = inside()
            if tap is not None and call is None:
                try:
                    tap(({parameters},), {{}})
                except Exception as error:
                    stand_in.tap_failed(error)
            elif tap is None or stand_in.joins or not call.open:
                return stand_in({parameters})
            return original({parameters})
        except BaseException as error:
            error.with_traceback(error.__traceback__.tb_next)
            raise
        return {cells}
    return stub
"""


def suspends(function: Any) -> bool:
    """Whether calling the function only starts it: a generator or coroutine function cannot be watched."""
    code = getattr(function, "__code__", None)
    return bool(code and code.co_flags & _SUSPENDS)


class CodeSwap:
    """One function and what stands in for it.

    Args:
        function: A plain Python function, no generator or coroutine.
        stand_in: Called in its place with the same arguments. When a swapped function is pickled by value,
            this object travels in its code, so it must reduce to something that needs no steno.
        around: What a stub that calls a lone tap by itself reads besides: "inside". Its stand-in has `lone_tap`,
            `tap_failed` and `joins`.

    Attributes:
        function: The function, the same object before, while and after.
        original: What it does, as a function of its own.
    """

    def __init__(
        self, function: Callable[..., Any], stand_in: Callable[..., Any], around: Mapping[str, Any] | None = None
    ) -> None:
        assert isinstance(function, FunctionType)
        self.function: FunctionType = function
        self.original = _twin(function)
        self._old = function.__code__
        constants: dict[str, Any] = {"stand-in": stand_in, "original": self.original}
        tapped = around is not None and has_plain_parameters(function.__code__)
        self._new = _code_for(function.__code__, constants | dict(around or {}), tapped=tapped)
        self._had_signature = "__signature__" in vars(function)

    def apply(self) -> None:
        """Put the stand-in in place. The function may be running, in any thread."""
        if not self._had_signature:
            self.function.__signature__ = inspect.signature(self.original)  # type: ignore[attr-defined]
        self.function.__code__ = self._new

    def revert(self) -> bool:
        """Put the code back; False if another tool has exchanged it since, which is then left alone."""
        if self.function.__code__ is not self._new:
            return False
        self.function.__code__ = self._old
        if not self._had_signature:
            vars(self.function).pop("__signature__", None)
        return True


def _twin(function: FunctionType) -> FunctionType:
    twin = FunctionType(
        function.__code__, function.__globals__, function.__name__, function.__defaults__, function.__closure__
    )
    twin.__kwdefaults__ = function.__kwdefaults__
    twin.__qualname__, twin.__module__ = function.__qualname__, function.__module__
    twin.__annotations__ = function.__annotations__
    return twin


def has_plain_parameters(code: CodeType) -> bool:
    """Whether every parameter may be given by position, and none gathers others."""
    return bool(code.co_argcount) and not code.co_kwonlyargcount and not code.co_flags & _GATHERS


def _code_for(old: CodeType, constants: Mapping[str, Any], *, tapped: bool) -> CodeType:
    parameters = old.co_varnames[: old.co_argcount] if tapped else ()
    stub = _stub(len(old.co_freevars), parameters)
    return stub.replace(
        co_consts=tuple(constants.get(each, each) if isinstance(each, str) else each for each in stub.co_consts),
        co_name=old.co_name,
        co_qualname=old.co_qualname,
        co_filename=old.co_filename,
        co_firstlineno=old.co_firstlineno,
        co_freevars=old.co_freevars,
    )


@lru_cache
def _stub(count: int, parameters: tuple[str, ...]) -> CodeType:
    """Return the code of a stub with so many free variables, and names where objects are to be.

    Without parameters it takes what comes.
    """
    cells = ", ".join(f"cell_{number:04}" for number in range(count))  # in the order the compiler sorts them
    made: dict[str, Any] = {}
    exec((_TAPPED if parameters else _STUB).format(cells=cells, parameters=", ".join(parameters)), made)
    stub: FunctionType = made["outer"](*range(count))
    return stub.__code__
