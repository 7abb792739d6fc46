"""Which run is active: a stack per thread and per asyncio task."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING

from steno.records import Tags

if TYPE_CHECKING:
    from steno.tracking.run import ActiveRun

stack: ContextVar[tuple[ActiveRun, ...]] = ContextVar("steno_active_runs", default=())
last: ContextVar[str | None] = ContextVar("steno_last_run", default=None)
UNASKED = "?"  # whether the environment names an active model
active_model: ContextVar[str | None] = ContextVar("steno_active_model", default=UNASKED)
last_model: ContextVar[str | None] = ContextVar("steno_last_model", default=None)


def active_run() -> ActiveRun | None:
    """Return the innermost run that is open in this thread or task, None if there is none."""
    runs = stack.get()
    if runs and runs[-1].ended:  # by another thread, which could not take it off here
        runs = tuple(run for run in runs if not run.ended)
        stack.set(runs)
    return runs[-1] if runs else None


def active_run_of_user() -> ActiveRun | None:
    """Return the innermost open run if the user began it, None where it is one of autologging's."""
    run = active_run()
    return run if run is not None and Tags.AUTOLOGGING not in run.data.tags else None


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
