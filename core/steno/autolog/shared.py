"""A recording that several calls, threads and processes share, and whose parts are runs of their own: a study."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from steno.autolog.contained_run import ContainedRun, NoRun
from steno.autolog.containment import contain
from steno.autolog.session import Session
from steno.contracts.integration import Run
from steno.records import Batch, RunStart, RunStatus, Tags
from steno.tracking import context, ending, experiments, joined, limits
from steno.tracking.child import ChildRun
from steno.tracking.run import ActiveRun

_check_key = lru_cache(4096)(limits.check_key)


class SharedSession(Session):
    """A session whose run has an id that others find by themselves: they join it, and the last to leave ends it.

    Args:
        integration: Whose.
        name: The run's name.
        run_id: 32 hex characters, the same wherever the same thing is recorded.
        start_time: When it began, in milliseconds; None for now.
        within: The run that was active where it began. One of the user's is written to instead; one that
            autologging has begun becomes its parent.
    """

    def __init__(
        self, integration: str, name: str, run_id: str, start_time: int | None, within: ActiveRun | None
    ) -> None:
        self._key = run_id, start_time
        self._within = within
        super().__init__(integration, name)

    def _find_or_open(self, name: str) -> tuple[Run, bool]:
        within, (run_id, start_time) = self._within, self._key
        if within is not None and Tags.AUTOLOGGING not in within.data.tags:
            return ContainedRun(within), False
        tags = {**self.options.extra_tags, Tags.AUTOLOGGING: self._integration}
        if within is not None:
            tags[Tags.PARENT_RUN_ID] = within.run_id
        try:
            where = within.experiment if within is not None else experiments.for_new_run()
            opened = joined.join_run(run_id, run_name=name, tags=tags, experiment_id=where, start_time=start_time)
        except Exception as error:  # advice: opening a run is no reason to stop a training
            contain(self._integration, name, error)
            return NoRun(), False
        return ContainedRun(opened), True

    def make_active(self) -> None:
        """Let what the user logs in this thread go here, as far as nothing else is active inside."""
        active = getattr(self.run, "active", None)
        if active is not None and active not in context.stack.get():
            context.push(active)

    def child(
        self, run_id: str, name: str, start_time: int, tags: Mapping[str, str], begun: Callable[[Child], None]
    ) -> Child | None:
        """Begin a part: a run that costs little if it is short and nothing is logged to it. Never raises.

        Args:
            run_id: 32 hex characters, the same wherever the same part is recorded.
            name, start_time, tags: Of the run.
            begun: Called with it if it turns out to last, perhaps on another thread: to say what is known by then.
        """
        active = getattr(self.run, "active", None)
        if active is None:
            return None
        try:
            return Child(active, run_id, RunStart("", name, start_time, tags=self._tags(tags)), begun)
        except Exception as error:  # advice
            contain(self._integration, name, error)
            return None

    def whole_child(self, run_id: str, name: str, start_time: int, tags: Mapping[str, str], facts: Batch) -> None:
        """Record a part that is over. Never raises. Its `change` holds status and end."""
        child = self.child(run_id, name, start_time, tags, lambda child: None)
        if child is not None:
            child.finish(facts)

    def end(self, error: BaseException | None = None, *, failed: bool = False) -> None:
        """Leave the run, and end it if nobody else is in it; a run of the user's stays open. Never raises.

        Args:
            error: What ended it.
            failed: It did not finish, whatever the error says (`SystemExit(0)`).
        """
        active: Any = getattr(self.run, "active", None)
        if active is None or not self.opened or self.ended:
            return
        try:
            status = ending.status_of(error)
            active.end(RunStatus.FAILED if failed and status is RunStatus.FINISHED else status, error)
        except Exception as problem:  # advice
            contain(self._integration, "the end of a run", problem)

    def _tags(self, tags: Mapping[str, str]) -> dict[str, str]:
        return {**self.options.extra_tags, **tags, Tags.AUTOLOGGING: self._integration}


class Child(ContainedRun):
    """A part of a shared session, seen by advice: like any run of a call, and it ends by `finish`."""

    active: ChildRun

    def __init__(self, parent: ActiveRun, run_id: str, start: RunStart, begun: Callable[[Child], None]) -> None:
        super().__init__(ChildRun(run_id, parent, start, lambda run: self._tell(begun)))

    def make_active(self) -> None:
        """Let what the user logs in this thread, and what is trained here, go into it."""
        context.push(self.active)

    def make_inactive(self) -> None:
        """Let it be active no more in this thread, and go on."""
        context.remove(self.active)

    def hold_metric(self, key: str, value: float, step: int) -> None:
        """Record a point, without that being a reason to keep the run apart from its parent's record."""
        try:
            self.active.hold_metric(key, value, step, time.time_ns() // 1_000_000)
        except Exception as error:  # advice
            self._left_out(key, error)

    def finish(self, facts: Batch, error: BaseException | None = None) -> None:
        """End it with what is known by now. What is over a limit is cut, and what has a bad key left out. Never raises.

        Args:
            facts: Params, tags and series; `change` holds the status and may hold the end.
            error: What ended it, which also decides between FAILED and KILLED.
        """
        try:
            status = RunStatus((facts.change.status if facts.change is not None else None) or RunStatus.FINISHED)
            if error is not None and status is RunStatus.FAILED:
                found = ending.status_of(error)
                status = found if found is not RunStatus.FINISHED else status
            self.active.finish(self._allowed(facts), status, error)
        except Exception as problem:  # advice
            self._left_out("the end", problem)

    def abandon(self) -> None:
        """End it where nobody can say how it went: KILLED, as unfinished. Never raises."""
        try:
            self.active.end()
        except Exception as problem:  # advice
            self._left_out("the end", problem)

    def _allowed(self, facts: Batch) -> Batch:
        facts.params = self._texts("param", facts.params, limits.PARAM_LENGTH)
        facts.tags = self._texts("tag", facts.tags, limits.TAG_LENGTH)
        for key in list(facts.series):
            if not self._is_allowed("metric", key):
                del facts.series[key]
        return facts

    def _texts(self, kind: str, given: Mapping[str, Any], length: int) -> dict[str, str]:
        return {
            key: limits.text(kind, key, value, length, truncate=True)
            for key, value in given.items()
            if self._is_allowed(kind, key)
        }

    def _is_allowed(self, kind: str, key: str) -> bool:
        try:
            _check_key(kind, key)
        except Exception as error:  # advice
            self._left_out(key, error)
            return False
        return True

    def _tell(self, begun: Callable[[Child], None]) -> None:
        try:
            begun(self)
        except Exception as error:  # advice, perhaps on a thread of ours
            self._left_out("what is known at the beginning", error)
