"""One watched call, as advice sees it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from time import perf_counter
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from steno.autolog import runs
from steno.autolog.budget import CallBudget
from steno.autolog.nesting import inside

if TYPE_CHECKING:
    from steno.autolog.site import Row
    from steno.contracts.integration import Options, Run


class WatchedCall:
    """The call that runs now; see `steno.contracts.integration.Call` for what advice may use.

    Attributes:
        row: The row it is watched by.
        enclosing: The watched call round this one, whose run it shares; None for the outermost.
        open: Whether it is still running. A thread or task may outlive the call it was started in.
        many: Nothing inside joins.
        overhead: Seconds spent in advice, taps and contained callbacks, as far as they are over.
        resumed: Since when advice is running; 0.0 while the user's function runs.
        failure: The first error that was contained in it.
    """

    __slots__ = (
        "_budget",
        "_function",
        "_run",
        "args",
        "enclosing",
        "failure",
        "instance",
        "kwargs",
        "many",
        "open",
        "opened",
        "outermost",
        "overhead",
        "resumed",
        "row",
        "seconds",
        "target",
    )

    def __init__(
        self,
        row: Row,
        function: Callable[..., Any],
        instance: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        enclosing: WatchedCall | None,
    ) -> None:
        self.row = row
        self.target = row.target
        self._function: Callable[..., Any] | None = function
        self.instance = instance
        self.args = args
        self.kwargs = kwargs
        self.enclosing = enclosing
        self.outermost = enclosing is None
        self.many = row.many
        self.open = True
        self.opened = False
        self.seconds = 0.0
        self.overhead = 0.0
        self.resumed = perf_counter()
        self.failure: BaseException | None = None
        self._run: Run | None = None
        self._budget: CallBudget | None = None

    @property
    def options(self) -> Options:
        """What `autolog()` was told for this integration."""
        return self.row.watcher.options

    @property
    def arguments(self) -> Mapping[str, Any]:
        """Every argument by parameter name, defaults included, the instance left out.

        What the user gave by keyword when the arguments do not fit the signature: that call is about to fail.
        """
        try:
            bound = _signature(self.row, self._function).bind(*self.args, **self.kwargs)
        except (TypeError, ValueError):
            return MappingProxyType(self.kwargs)
        bound.apply_defaults()
        return MappingProxyType(bound.arguments)

    @property
    def run(self) -> Run:
        """The run: the user's active one, the enclosing call's, or one opened now and closed by core."""
        if self._run is not None:
            return self._run
        if self.enclosing is None:
            return runs.find_or_open(self)
        self._run = self.enclosing.run
        return self._run

    @property
    def used_run(self) -> Run | None:
        """The run if something asked for it."""
        return self._run

    def use(self, run: Run, opened: bool) -> None:
        """Write to this run from now on."""
        self._run, self.opened = run, opened

    @property
    def budget(self) -> CallBudget:
        """How much time optional work may still take."""
        if self._budget is None:
            self._budget = CallBudget(self)
        return self._budget

    def host(self) -> None:
        """Be no training itself: what the call runs is watched for itself, as if nothing were round it."""
        inside.set(self.enclosing)

    def overhead_now(self) -> float:
        """Seconds spent in advice until now."""
        return self.overhead + (perf_counter() - self.resumed if self.resumed else 0.0)

    def leave(self) -> BaseException | None:
        """End, and return what was contained; threads and tasks begun inside may hold the call, not its objects."""
        failure = self.failure
        self.open = False
        self.args = ()
        self.kwargs = {}
        self.instance = self._function = self._budget = self.failure = None
        return failure


def _signature(row: Row, function: Any) -> inspect.Signature:
    """The signature without the instance; read once per row, because it costs as much as a small fit."""
    if row.signature is None:
        signature = inspect.signature(function)
        if row.binds_instance:
            signature = signature.replace(parameters=list(signature.parameters.values())[1:])
        row.signature = signature
    return row.signature
