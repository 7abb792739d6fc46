"""Evaluations: what happens between `eval()` of a module that is being trained and the next step."""

from __future__ import annotations

import re
import threading
import weakref
from collections.abc import Callable
from functools import partial
from time import time_ns
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from steno_torch import criteria
from steno_torch.callsite import place_of_call
from steno_torch.loaders import Data, Pass
from steno_torch.searching import Criterion
from steno_torch.series import Points
from steno_torch.tensors import value_of

if TYPE_CHECKING:
    from steno_torch.gathering import Gathering

_MOST_RESULTS = 8
_MOST_PASSES = 16
_OF_TRAINING = re.compile(r"^train(ing)?_|_train(ing)?$")


def name_of(loss: str) -> str:
    """What the loss of a training is called where it is of other data."""
    return f"val_{_OF_TRAINING.sub('', loss)}"


class Result:
    """The mean loss over one set of data, as it grows.

    Attributes:
        data: The set, None where no data loader tells.
        through: The pass it comes from.
        kind: The class of the loss module.
        is_certain: Whether it can be told: one loss for each batch, all from one place.
        rows: How many until now.
        last_ns: When the last batch was.
    """

    def __init__(self, through: Pass | None, kind: type, place: int) -> None:
        self.data = through.data if through is not None else None
        self.through, self.kind = through, kind
        self.is_certain, self.is_closed = True, False
        self.rows = self.last_ns = 0
        self._place, self._taken, self._total = place, False, 0.0
        self._target: Callable[[], Any] = lambda: None
        self._lock = threading.RLock()  # a device's values may arrive in a reader's thread

    @property
    def is_done(self) -> bool:
        """Whether nothing more will come: its pass is over."""
        return self.through is not None and not self.through.goes_on

    def meets(self, kind: type, place: int, target: Any) -> None:
        """See whether a further loss is one of the next batch: not of another model on the same one, say."""
        if kind is not self.kind or place != self._place or self.is_closed or self._taken:
            self.is_certain = False
        elif isinstance(target, torch.Tensor):
            if self._target() is target:
                self.is_certain = False
            self._target = weakref.ref(target)

    def is_about(self, target: Any) -> bool:
        """Whether the last batch had these wanted outputs."""
        return target is not None and self._target() is target

    def add(self, value: float, rows: int, reduction: str) -> None:
        """Count the loss of a batch: the mean of so many rows, or their sum."""
        with self._lock:
            self._total += value if reduction == "sum" else value * rows
            self.rows += rows

    def take(self) -> bool:
        """Whether it has not been recorded until now; from now on it has."""
        with self._lock:
            taken, self._taken = self._taken, True
            return not taken and self.is_certain

    @property
    def mean(self) -> float:
        """The loss of a row."""
        return self._total / self.rows


class Phase:
    """The time between `eval()` and the next step. Belongs to the loop's thread; a reader may take what is done.

    Attributes:
        began_ns: When.
        results: One for each set of data.
        passes: Through data loaders, that began in it.
    """

    def __init__(self, recording: Gathering, module: nn.Module, begun: list[Pass]) -> None:
        self.began_ns = time_ns()
        self.results: list[Result] = []
        self.passes = [each for each in begun if each.goes_on]
        self._recording = weakref.ref(recording)
        self._series = recording.series
        self._module: weakref.ref[nn.Module] | None = weakref.ref(module)
        self._thread = threading.get_ident()
        self._is_told = self._over = False
        if recording.criterion is not None or not recording.is_searched:
            criteria.listen(self)

    @property
    def recording(self) -> Gathering | None:
        """The training that it belongs to, None once that is gone."""
        return self._recording()

    @property
    def _criterion(self) -> Criterion | None:
        recording = self._recording()
        return recording.criterion if recording is not None else None

    # -- what comes ------------------------------------------------------------------------------------------

    def again(self, module: nn.Module | None) -> None:
        """A further module goes to eval; None where it is none of the training's: what follows may be of that."""
        self._module = weakref.ref(module) if module is not None else None
        for result in self.results:
            # Without a loader it can't be told whether these are other data.
            result.is_closed = result.through is None

    def goes_through(self, through: Pass) -> None:
        """A pass through a data loader begins."""
        self.passes = [*self.passes[1 - _MOST_PASSES :], through]

    def heard(self, module: nn.Module, given: tuple[Any, ...], result: Any) -> None:
        """A loss module was called in this thread."""
        if self._over or torch.is_grad_enabled() or not self._is_evaluating() or not given:
            return
        criterion = self._criterion
        if criterion is not None and criterion.kind is not type(module):
            return
        reduction = getattr(module, "reduction", None)
        if not isinstance(result, torch.Tensor) or result.dim() or reduction not in ("mean", "sum", "batchmean"):
            return
        place = place_of_call()
        if place is None:
            return
        target = given[1] if len(given) > 1 else None
        into = self._result(type(module), place)
        if into is None:
            return
        into.meets(type(module), place, target)
        value = value_of(result)
        if value is None:
            into.is_certain = False
        rows = len(given[0]) if isinstance(given[0], torch.Tensor) and given[0].dim() else 1
        if value is not None and into.is_certain and rows:
            into.last_ns = time_ns()
            if isinstance(value, float):
                into.add(value, rows, reduction)
            else:
                self._series.add("", value, 0, into.last_ns, lambda number: into.add(number, rows, reduction))

    def _is_evaluating(self) -> bool:
        module = self._module() if self._module is not None else None
        return module is not None and not vars(module).get("training", False)

    def _result(self, kind: type, place: int) -> Result | None:
        """The result that a loss belongs to: that of the pass which goes on."""
        through = next((each for each in reversed(self.passes) if each.goes_on), None)
        for each in self.results:
            if each.through is through:
                return each
        if len(self.results) >= _MOST_RESULTS:
            return None
        made = Result(through, kind, place)
        for each in self.results:
            if each.through is None or through is None or each.through.data.is_of(through.data):
                # Two of the same data, as of two models; or one of which nothing tells whose it is.
                each.is_certain = made.is_certain = False
        self.results.append(made)
        return made

    # -- what is told ----------------------------------------------------------------------------------------

    def end(self) -> None:
        """A step comes, or the training is over."""
        self._over = True
        criteria.forget(self)

    def done(self, *, of_passes: bool = False) -> list[Result]:
        """The results to which nothing more will be added, as far as whoever asks can know.

        Args:
            of_passes: Only where a pass is over: an error may have ended the rest.
        """
        here = not of_passes and threading.get_ident() == self._thread
        return [each for each in self.results if each.is_done or (here and each.through is None)]

    @property
    def is_done(self) -> bool:
        """Whether the passes that began in it are over."""
        return bool(self.passes) and not any(each.goes_on for each in self.passes)

    @property
    def last_ns(self) -> int:
        """When the last was that is known of it; 0 where that is nothing."""
        return max([each.over_ns for each in self.passes] + [each.last_ns for each in self.results], default=0)

    def is_told(self) -> bool:
        """Whether how long it was has been asked before."""
        told, self._is_told = self._is_told, True
        return told


class Told:
    """The evaluations of one training as they are recorded: each set of data has a series of its own."""

    def __init__(self, series: Points) -> None:
        self._series = series
        self._known: list[Data | None] = []

    def record(
        self, phase: Phase, results: list[Result], criterion: Criterion | None, training: Data | None, step: int
    ) -> None:
        """Record how long an evaluation was, and its losses that can be told.

        Args:
            phase: The evaluation.
            results: Those of it that are done.
            criterion: Where the training's loss comes from; None where that is not certain.
            training: What the training goes through: its loss is none of other data.
            step: The training's last.
        """
        last_ns = phase.last_ns
        if last_ns and not phase.is_told():
            self._series.add("eval_time_s", max(0, last_ns - phase.began_ns) / 1e9, step, last_ns)
        for result in results:
            if not result.take() or criterion is None or result.kind is not criterion.kind:
                continue
            same = training is not None and result.data is not None and result.data.is_of(training)
            if same or result.is_about(criterion.target()):
                continue
            index, name = self._index_of(result.data), name_of(criterion.name)
            key = f"{name}/{index}" if index else name
            if index < _MOST_RESULTS:
                self._series.after(partial(self._add, key, result, step))

    def _add(self, key: str, result: Result, step: int) -> None:
        if result.rows:
            self._series.add(key, result.mean, step, result.last_ns)

    def _index_of(self, data: Data | None) -> int:
        free = len(self._known)
        for index, known in enumerate(self._known):
            if (data is None and known is None) or (data is not None and known is not None and data.is_of(known)):
                return index
            if known is not None and known.is_gone:
                free = min(free, index)  # data that are read anew for each evaluation
        self._known[free : free + 1] = [data]
        del self._known[_MOST_RESULTS:]
        return free
