"""A training that no single call contains: a loop of the user's, recorded step by step."""

from __future__ import annotations

import os
import time
from time import perf_counter

from steno import settings
from steno.autolog.contained_run import ContainedRun, NoRun
from steno.autolog.containment import contain
from steno.autolog.switch import watcher
from steno.contracts.integration import Options, Run
from steno.records import Tags


class Session:
    """The run of a loop: the user's active one, or one of its own, which ends by `end` or with the process.

    Where a call has a beginning and an end, a loop has steps: who records them says what they cost by
    `overhead_s`, and when the last was by `touch`. Not thread-safe; a loop runs in one thread.

    Attributes:
        run: What to write to. Without a store it keeps nothing.
        opened: Whether the run is the session's own.
        options: What `autolog()` was told for the integration.
        overhead_s: What recording has cost until now.
        pid: The process it belongs to; in a forked child it is to be dropped.
    """

    def __init__(self, integration: str, name: str) -> None:
        self.pid = os.getpid()
        self.options: Options = watcher(integration).options
        self.overhead_s = 0.0
        self._integration = integration
        self._began = perf_counter()
        self.run: Run
        self.run, self.opened = self._find_or_open(name)

    def _find_or_open(self, name: str) -> tuple[Run, bool]:
        from steno.tracking import context, experiments, run

        active = context.active_run()
        if active is not None:
            return ContainedRun(active), False
        tags = {**self.options.extra_tags, Tags.AUTOLOGGING: self._integration}
        if lacking := watcher(self._integration).not_captured:
            tags[Tags.NOT_CAPTURED] = lacking
        try:
            opened = run.open_run(run_name=name, tags=tags, experiment_id=experiments.for_new_run())
        except Exception as error:  # advice: opening a run is no reason to stop a training
            contain(self._integration, name, error)
            return NoRun(), False
        context.last.set(opened.run_id)  # what a loop has just left is asked for by `last_active_run`
        return ContainedRun(opened), True

    @property
    def ended(self) -> bool:
        """Whether its run takes nothing more: it has ended, or belongs to the parent process."""
        active = getattr(self.run, "active", None)
        return self.pid != os.getpid() or (active is not None and active.ended)

    def touch(self) -> None:
        """Say that the loop has just made a step: a run of its own ends with the last, not with the process."""
        if self.opened:
            self.run.active.last_seen_ms = time.time_ns() // 1_000_000  # type: ignore[attr-defined]

    def allowed_s(self) -> float:
        """How much time optional work may still take, by the share and the floor of the overhead budget."""
        chosen: settings.Settings = watcher(self._integration).settings
        share = 0.01 * chosen.overhead_percent * (perf_counter() - self._began)
        return max(chosen.overhead_floor_ms / 1000.0, share) - self.overhead_s

    def tell_overhead(self) -> None:
        """Put what recording has cost on the run."""
        total = perf_counter() - self._began
        percent = 100.0 * self.overhead_s / total if total else 0.0
        self.run.set_tags(
            {Tags.OVERHEAD_MS: f"{self.overhead_s * 1000.0:.3f}", Tags.OVERHEAD_PERCENT: f"{percent:.3f}"}
        )

    def end(self, error: BaseException | None = None) -> None:
        """End a run of its own; a run of the user's stays open. Never raises. May be called by a finalizer."""
        active = getattr(self.run, "active", None)
        if active is None or not self.opened or self.ended:
            return
        from steno.tracking import ending

        active.end(ending.status_of(error), error)

    def end_later(self) -> None:
        """End it by another thread: for the garbage collector, which may call inside any lock."""
        from steno.tracking.deferred import deferred

        active = getattr(self.run, "active", None)
        if active is not None and self.opened and not self.ended:
            deferred.submit(active, lambda handle: self.end())
