"""One function that is watched, the rows that watch it, and which of them applies."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable
from types import FunctionType
from typing import TYPE_CHECKING, Any

from steno.autolog import advice, runs
from steno.autolog.containment import contain
from steno.autolog.nesting import in_thread_of_ours, inside, leave_frame_out
from steno.autolog.swap import has_plain_parameters

if TYPE_CHECKING:
    from steno.autolog.call import WatchedCall
    from steno.autolog.watcher import Watcher
    from steno.contracts.integration import Hook, Patch, Tap

AROUND = {"inside": inside.get}
"""What a stub looks at before it calls a lone tap: whether a watched call runs here. Not whose thread this is: ours
train nothing, and each look would be paid for at each step of the user's loops."""


class Row:
    """A patch that has been applied.

    Attributes:
        watcher: The integration it belongs to, with its options.
        owner: The class whose instances it is for; None for a function or a static method.
        order: Where it stands among all rows: of two on one function and one owner, the first applies.
        binds_instance: Whether the function's first parameter is the instance.
    """

    __slots__ = ("advice", "binds_instance", "joins", "many", "order", "owner", "signature", "tap", "target", "watcher")

    def __init__(self, watcher: Watcher, patch: Patch, owner: type | None, order: tuple[int, int]) -> None:
        self.watcher = watcher
        self.target = patch.target
        self.advice = patch.advice
        self.tap = patch.tap
        self.joins = patch.joins
        self.many = patch.many
        self.owner = owner
        self.order = order
        self.binds_instance = False
        self.signature: inspect.Signature | None = None

    @property
    def is_for_all(self) -> bool:
        """Whether every call of the function is for it: it is of no class, or of the one that defines the function."""
        return self.owner is None or self.target.rpartition(".")[2] in vars(self.owner)


class Site:
    """A watched function; it is called in the user's function's place.

    Several rows may lead to one function (`RandomForestClassifier.fit` and `ExtraTreesClassifier.fit` are both
    `BaseForest.fit`). The row of the class that comes first in the instance's MRO applies; an instance of none
    of the rows' classes is not watched.

    Attributes:
        function: What the user's call comes down to.
        rows: Those that watch it, first that which applies first.
        joins: Whether one of them looks on inside another watched call too.
        lone_tap: The tap, where it is all that watches, every call.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.rows: list[Row] = []
        self._by_owner: dict[type | None, Row] = {}
        self.joins = False
        self.lone_tap: Tap | None = None

    def add(self, row: Row) -> None:
        """Let a row watch."""
        self._set([*self.rows, row])

    def remove(self, row: Row) -> None:
        """Let a row watch no more."""
        self._set([other for other in self.rows if other is not row])

    def _set(self, rows: list[Row]) -> None:
        self.rows = sorted(rows, key=lambda row: row.order)
        # Replaced rather than changed: calls in other threads read these without a lock.
        self._by_owner = {row.owner: row for row in reversed(self.rows)}
        self.joins = any(row.joins for row in rows)
        self.lone_tap = self.rows[0].tap if len(rows) == 1 and rows[0].is_for_all else None

    def tap_failed(self, error: Exception) -> None:
        """Contain what the lone tap has raised."""
        row = self.rows[0]
        contain(row.watcher.name, row.target, error)

    def admit(self, instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Row | None:
        """Return the row whose advice is to look on, None if nothing does; a tap has its turn here.

        Args:
            instance: Whose method is called; the class for a class method, None for a function.
            args, kwargs: What the user's function is about to be called with.
        """
        call = inside.get()
        nested = call is not None and call.open
        if nested:
            if not (self.joins and _may_join(call, instance)):  # type: ignore[arg-type]
                return None
        elif in_thread_of_ours():
            return None
        row = self._row_for(instance)
        if row is None or (nested and not row.joins):
            return None
        if row.tap is not None:
            advice.tap(row, self._tapped(row, instance, args), kwargs)
            return None
        if row.watcher.options.exclusive and not nested and runs.user_run_is_active():
            return None
        return row

    def _tapped(self, row: Row, instance: Any, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """What a tap is told: everything that the function was called with, the instance first."""
        return args

    def _row_for(self, instance: Any) -> Row | None:
        by_owner = self._by_owner
        for cls in (instance if isinstance(instance, type) else type(instance)).__mro__:
            row = by_owner.get(cls)
            if row is not None:
                return row
        return by_owner.get(None)


def _may_join(call: WatchedCall, instance: Any) -> bool:
    # Of the many fits inside none joins, but a search's own steps are the search.
    return not call.many or (instance is not None and instance is call.instance)


class FunctionSite(Site):
    """Stands in for the code of a module's function, or of a static method."""

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        function = self.function
        try:
            row = self.admit(None, args, kwargs)
            if row is None:
                return function(*args, **kwargs)
            return advice.watch(row, function, args, kwargs, None, args)
        except BaseException as error:
            leave_frame_out(error)
            raise

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any]]:
        return copy.copy, (self.function,)


class MethodSite(FunctionSite):
    """Stands in for the code of a method; the instance may come by keyword, as some decorators pass it."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)
        code = function.__code__
        self._instance_name = code.co_varnames[0] if code.co_argcount else ""

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        function = self.function
        try:
            if args:
                instance, rest = args[0], args[1:]
            elif self._instance_name in kwargs:
                instance, rest = kwargs.pop(self._instance_name), args
            else:
                return function(*args, **kwargs)  # called without its instance: the user's TypeError
            positional = (instance, *rest)
            row = self.admit(instance, positional, kwargs)
            if row is None:
                return function(*positional, **kwargs)
            return advice.watch(row, function, positional, kwargs, instance, rest)
        except BaseException as error:
            leave_frame_out(error)
            raise


# With the function's own parameters where these are plain: a hook is called at each step of a loop, and to gather
# arguments and spread them again would cost as much as all that is done with them. Our names are none of theirs.
_HOOK = """
def guarded(steno_function, steno_failed, steno_is_outside):
    steno_on = True
    def hook({parameters}):
        if steno_on{and_wanted}:
            try:
                steno_function({parameters})
            except Exception as error:
                steno_failed(error)
    def stop():
        nonlocal steno_on
        steno_on = False
    return hook, stop
"""


def guarded_hook(row: Row, function: Hook) -> tuple[Callable[..., None], Callable[[], None]]:
    """Return what a framework is given to call at its own moments, and what makes it look no more."""

    def failed(error: Exception) -> None:
        contain(row.watcher.name, row.target, error)

    parameters, defaults = "*args, **kwargs", None
    if isinstance(function, FunctionType) and has_plain_parameters(function.__code__):
        parameters = ", ".join(function.__code__.co_varnames[: function.__code__.co_argcount])
        defaults = function.__defaults__
    made: dict[str, Any] = {}
    exec(_HOOK.format(parameters=parameters, and_wanted="" if row.joins else " and steno_is_outside()"), made)
    hook, stop = made["guarded"](function, failed, _is_outside)
    hook.__defaults__ = defaults
    return hook, stop


def _is_outside() -> bool:
    """Whether no watched call runs here, and the thread is not one of ours."""
    call = inside.get()
    return (call is None or not call.open) and not in_thread_of_ours()


class WrapperSite(Site):
    """Behind a `WatchedFunction`: called by wrapt with the bound function."""

    def __call__(
        self, wrapped: Callable[..., Any], instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        try:
            row = self.admit(instance, args, kwargs)
            if row is None:
                return wrapped(*args, **kwargs)
            if row.owner is None:
                instance = None  # wrapt gives a C function's module
            return advice.watch(row, wrapped, args, kwargs, instance, args)
        except BaseException as error:
            leave_frame_out(error)
            raise

    def _tapped(self, row: Row, instance: Any, args: tuple[Any, ...]) -> tuple[Any, ...]:
        return args if row.owner is None else (instance, *args)
