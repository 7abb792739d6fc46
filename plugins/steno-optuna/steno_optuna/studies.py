"""A study as it is recorded: the run it has, the trials that are open, how it stands."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

from optuna.trial import FrozenTrial
from steno.autolog.shared import SharedSession
from steno.contracts.integration import Call
from steno.tracking import followers

from steno_optuna import identity, summary
from steno_optuna.trials import OpenTrial, facts_of, here, milliseconds

INTEGRATION = "optuna"


class StudyRecord:
    """One study, recorded in one run for as long as this process uses it. Thread-safe.

    Attributes:
        run_id: The run that the study has where the user has none.
        session: The run it is recorded in.
        users: How many `Study` objects are in use that mean this study.
        open: Trials that have been asked for here and not been told, by number.
    """

    def __init__(self, key: tuple[str, str], study: Any, within: Any, trials: list[FrozenTrial]) -> None:
        self.key = key
        self.run_id = key[0]
        self.users = 0
        self._over = False
        self._last = -1
        self.open: dict[int, OpenTrial] = {}
        self._first_began = trials[0].datetime_start
        self._lock = threading.Lock()
        start = milliseconds(self._first_began) or None
        self.session = SharedSession(INTEGRATION, study.study_name, self.run_id, start, within)
        try:
            summary.describe(self.session.run, study)
            self._best = summary.Best(study)
        except BaseException:
            self.session.end(failed=True)
            raise
        self._states = Counter({state: n for state, n in summary.states_of(trials).items() if state.is_finished()})
        followers.follow(self.session.run.run_id, self)

    # -- trials ----------------------------------------------------------------------------------------------

    def asked(self, trial: Any, *, by_hand: bool) -> None:
        """A trial begins in this thread."""
        opened = OpenTrial(trial, by_hand=by_hand)
        start = milliseconds(opened.began)
        number = {"number": str(opened.number)}
        opened.child = self.session.child(
            self.trial_id(opened.number), _name(opened.number), start, number, opened.begun
        )
        with self._lock:
            self.open[opened.number] = opened
            others = [each for each in self.open.values() if each.by_hand and each is not opened]
        if not by_hand:
            self.session.make_active()
        elif others:  # of several at once, nobody can tell which one the user is working on
            for each in others:
                here.leave(each)
            return
        here.enter(opened)

    def told(self, study: Any, frozen: FrozenTrial, error: BaseException | None = None) -> None:
        """A trial is over, or will not go on."""
        with self._lock:
            opened = self.open.pop(frozen.number, None)
        if opened is None:
            self._record_whole(frozen)
        else:
            here.leave(opened)
            try:
                opened.end(frozen, error)
            finally:
                if opened.child is not None and not opened.over:
                    opened.child.abandon()
        with self._lock:
            self._states[frozen.state] += 1
            self._last = max(self._last, frozen.number)  # trials need not end in the order they began
            best = self._best.look(study, frozen)
        if best is not None:
            summary.tell_best(self.session.run, best, self.trial_id(best.number), self._last)

    def trial_id(self, number: int) -> str:
        """The id of the run of a trial."""
        return identity.id_of_trial(self.session.run.run_id, self.run_id, number, self._first_began)

    def _record_whole(self, frozen: FrozenTrial) -> None:
        """Record a trial that another process, or this one before it was watched, has asked for."""
        start = milliseconds(frozen.datetime_start)
        number = {"number": str(frozen.number)}
        facts = facts_of(frozen, set())
        self.session.whole_child(self.trial_id(frozen.number), _name(frozen.number), start, number, facts)

    # -- the end ---------------------------------------------------------------------------------------------

    def sum_up(self, study: Any, call: Call) -> None:
        """Say how the study stands, by what its storage has now."""
        trials = study.get_trials(deepcopy=False)
        self._states = summary.states_of(trials)
        best = self._best.last(study)
        if best is not None:
            summary.name_best(self.session.run, best, self.trial_id(best.number))
            summary.close_series(self.session.run, best, trials[-1].number)
        if len(study.directions) > 1:
            front = call.budget.spend("the Pareto front", lambda: [each.number for each in study.best_trials])
            if front is not None:
                self.session.run.set_tags({"best_trials": ", ".join(map(str, sorted(front)))})

    def end(self, error: BaseException | None = None, *, failed: bool = False) -> None:
        """This process uses the study no more, for now."""
        self.abandon(lambda _: True)
        try:
            self.ending(error)
        finally:
            self.session.end(error, failed=failed)

    def abandon(self, which: Callable[[OpenTrial], bool]) -> None:
        """End the runs of trials of which nobody can say how they ended."""
        with self._lock:
            left = [trial for trial in self.open.values() if which(trial)]
            for trial in left:
                del self.open[trial.number]
        for trial in left:
            here.leave(trial)
            if trial.child is not None:
                trial.child.abandon()

    def settle(self) -> None:
        """Nothing is held back: trials look after themselves."""

    def ending(self, error: BaseException | None) -> None:
        """The run ends: say how many trials there were, and what recording them has cost."""
        if not self._over:
            self._over = True
            summary.count(self.session.run, self._states)
            self.session.tell_overhead()


def _name(number: int) -> str:
    return f"trial {number}"
