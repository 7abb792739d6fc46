"""Which run is active: a stack per thread and per asyncio task."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from steno.tracking.run import ActiveRun

stack: ContextVar[tuple[ActiveRun, ...]] = ContextVar("steno_active_runs", default=())
last: ContextVar[str | None] = ContextVar("steno_last_run", default=None)


def active_run() -> ActiveRun | None:
    """Return the innermost run that is open in this thread or task, None if there is none."""
    runs = stack.get()
    return runs[-1] if runs else None


def push(run: ActiveRun) -> None:
    """Make a run the active one."""
    stack.set((*stack.get(), run))
    last.set(run.run_id)


def remove(run: ActiveRun) -> None:
    """Take a run off the stack, wherever it stands: it is the last one then."""
    last.set(run.run_id)
    runs = stack.get()
    if run in runs:
        stack.set(tuple(other for other in runs if other is not run))
