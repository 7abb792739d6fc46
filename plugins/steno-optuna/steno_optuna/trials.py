"""What is recorded of one trial: while it runs, and from what Optuna has of it when it is over."""

from __future__ import annotations

import threading
import weakref
from datetime import datetime
from typing import Any

from optuna.trial import FrozenTrial, TrialState
from steno.autolog.params import flatten_params
from steno.autolog.shared import Child
from steno.records import Batch, RunChange, RunStatus, Tags

INTERMEDIATE = "intermediate_value"
VALUE = "value"
_OURS = ("mlflow.", "steno.")


class OpenTrial:
    """A trial from `ask` until it is told.

    Attributes:
        number: Its number in the study.
        child: Its run.
        began: When Optuna says it began.
        thread: Where it was asked for.
        by_hand: It was asked for by the user, not by `optimize`.
        reported: The steps whose intermediate values have been recorded.
        error: What its objective raised.
        why: Why it failed, where nothing was raised.
    """

    def __init__(self, trial: Any, *, by_hand: bool) -> None:
        self.number: int = trial.number
        self.began: datetime | None = trial.datetime_start
        self.child: Child | None = None
        self.thread = threading.get_ident()
        self.by_hand = by_hand
        self.reported: set[int] = set()
        self.error: BaseException | None = None
        self.why = ""
        self._trial = weakref.ref(trial)  # it holds the study, which may be left before it is told

    def begun(self, child: Child) -> None:
        """It has turned out to last: let its params be seen while it runs."""
        trial = self._trial()
        if trial is not None:  # neither property asks the storage
            child.log_params(flatten_params(trial.params))
            child.set_tags(_distributions(trial.distributions))

    @property
    def over(self) -> bool:
        """Whether its run has ended, perhaps by another thread."""
        return self.child is not None and self.child.active.ended

    def end(self, frozen: FrozenTrial, error: BaseException | None) -> None:
        """It is over, or will not go on."""
        over_well = frozen.state in (TrialState.COMPLETE, TrialState.PRUNED)
        error = None if over_well else self.error or error
        self.error = None  # its traceback holds what the objective held
        if self.child is not None:
            facts = facts_of(frozen, self.reported)
            if not over_well and error is None:
                facts.tags |= {Tags.END_REASON: frozen.state.name, Tags.ERROR: self.why or "it was told so"}
            self.child.finish(facts, error)

    def report(self, step: int, value: float) -> None:
        """Record an intermediate value; Optuna keeps the first of each step."""
        if self.child is not None and step not in self.reported:
            self.reported.add(step)
            self.child.hold_metric(INTERMEDIATE, value, step)


class _Here(threading.local):
    """The trials that are open in this thread, the innermost last: an objective may hold a study of its own."""

    def __init__(self) -> None:
        self.open: list[OpenTrial] = []

    def enter(self, trial: OpenTrial) -> None:
        """What is logged and trained in this thread goes into its run from now on."""
        self.open = [each for each in self.open if not each.over] + [trial]
        if trial.child is not None:
            trial.child.make_active()

    def leave(self, trial: OpenTrial) -> None:
        """It does so no more."""
        if trial in self.open:
            self.open.remove(trial)
        if trial.child is not None:
            trial.child.make_inactive()


here = _Here()


def facts_of(frozen: FrozenTrial, reported: set[int]) -> Batch:
    """Return what the run of a trial ends with.

    Args:
        frozen: The trial, as its storage has it.
        reported: Steps of intermediate values that the run has already.
    """
    batch = Batch(params=flatten_params(frozen.params))
    attributes = {key: value for key, value in frozen.user_attrs.items() if not str(key).startswith(_OURS)}
    batch.tags = flatten_params(attributes) | _distributions(frozen.distributions) | {"state": frozen.state.name}
    end_ms = milliseconds(frozen.datetime_complete)
    for step, value in frozen.intermediate_values.items():
        if step not in reported:
            batch.add_metric(INTERMEDIATE, float(value), end_ms, step)
    values = frozen.values or []
    for index, value in enumerate(values):
        batch.add_metric(VALUE if len(values) == 1 else f"{VALUE}_{index}", float(value), end_ms)
    finished = frozen.state in (TrialState.COMPLETE, TrialState.PRUNED)
    batch.change = RunChange((RunStatus.FINISHED if finished else RunStatus.FAILED).value, end_ms or None)
    return batch


def milliseconds(moment: datetime | None) -> int:
    """A time of Optuna's (local, without a zone) as epoch milliseconds; 0 for none."""
    return int(moment.timestamp() * 1000) if moment is not None else 0


def _distributions(distributions: dict[str, Any]) -> dict[str, str]:
    return flatten_params({f"{name}_distribution": str(each) for name, each in distributions.items()})
