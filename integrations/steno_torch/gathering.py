"""What the steps of a loop give, gathered in columns and recorded some together: values by step, epochs by passes."""

from __future__ import annotations

import threading
import weakref
from array import array
from collections import deque
from time import perf_counter
from typing import Any, TypeAlias

from steno.records import Series

from steno_torch.evaluations import Phase, Result, Told
from steno_torch.loaders import Data, Epoch, Pass
from steno_torch.plain import PlainSteps
from steno_torch.searching import Criterion
from steno_torch.series import Point, Points
from steno_torch.tensors import Value
from steno_torch.tracks import Counter, Track

_MOST_WAITING, _LONGEST_S = 256, 0.25
STEP_S = 10e-6  # beside `gather`; as seen from outside, since to measure each step would cost as much again

Step: TypeAlias = tuple[Track, list[tuple[str, Value]], list[Pass] | None, Any, int, Value | None]
"""What one step of an optimizer gave: its track, (name, value) of each `backward` before it, the passes through data
loaders that had begun, the learning rate (of each group, where there are several), the time in nanoseconds, and the
norm of the gradients if that was asked for. No class: a tuple costs a loop less."""


class Gathering:
    """The steps of one training. They come from the loop's thread; whoever reads the run may come from another.

    Attributes:
        tracks: Whose steps these are.
        series: Where the points go.
        steps: How many steps it has seen, of all optimizers.
        opened: Whether there is a run.
        over: It takes nothing more.
        overhead_s: What recording has cost until now.
        last_ns: When the last step was that has been recorded.
        criterion: The loss module that its loss comes from; None where there is none, or that is not known.
        is_searched: Whether it has been looked for.
        phase: The evaluation that goes on.
        waiting: What steps have given that is not recorded yet, since it costs less to record some together.
        due_s: When they are to be, at the next step.
        epochs: How many have begun.
    """

    def __init__(self, every_n_steps: int) -> None:
        self.tracks: list[Track] = []
        self.series = Points()
        self.steps = self.epochs = self.last_ns = 0
        self.opened = self.over = False
        self.overhead_s = self.due_s = 0.0
        self.waiting: deque[Step | PlainSteps | Phase] = deque()
        self.criterion: Criterion | None = None
        self.is_searched = False
        self.phase: Phase | None = None
        self._evaluations = Told(self.series)
        self._data: Data | None = None
        self._every = max(1, every_n_steps)
        self._owners: dict[str, Counter] = {}
        self._epoch: Epoch | None = None
        self._loader: weakref.ref[Any] | None = None
        self._lock = threading.RLock()  # a signal handler of the user's may read the run

    # -- steps -----------------------------------------------------------------------------------------------

    def take(self, made: Step | Phase) -> None:
        """Let a step wait, or an evaluation, behind those that were alike."""
        for track in self.tracks:
            alike = track.expect_nothing()
            if alike is not None:
                self.waiting.append(alike)
        self.waiting.append(made)
        if len(self.waiting) >= _MOST_WAITING:
            self.due_s = 0.0

    def gather(self, *, wait: bool = True) -> None:
        """Record the steps that wait.

        Args:
            wait: For another thread that is doing so; a training does not.
        """
        if not self._lock.acquire(blocking=wait):
            return
        began_s, before = perf_counter(), self.steps
        try:
            points: list[Point] = []
            # Looked at before the rest is recorded: the loop's thread may put them behind it meanwhile.
            open_ended = [track.plain for track in self.tracks if track.plain is not None]
            last_ns = 0
            while self.waiting:
                last_ns = self._record_any(self.waiting.popleft(), points) or last_ns
            for each in open_ended:
                last_ns = self._record_plain(each, points) or last_ns
            self._record_points(points)
            if self.over:
                self.expect_nothing()
            if last_ns and self.opened:
                self.due_s = last_ns / 1e9 + _LONGEST_S
                for each in open_ended:
                    each.due_s = self.due_s
            self.last_ns = last_ns or self.last_ns
        finally:
            self._lock.release()
            self.overhead_s += perf_counter() - began_s + (self.steps - before) * STEP_S

    def _record_points(self, points: list[Point]) -> None:
        if points:
            self.series.add_many(points)
            points.clear()

    def expect_nothing(self) -> None:
        """What steps from now on is looked at anew."""
        for track in self.tracks:
            track.expect_nothing()

    def _record_any(self, made: Step | PlainSteps | Phase, points: list[Point]) -> int:
        """Record a step, or some that were alike; return when the last was, in nanoseconds; 0 where there is none."""
        if isinstance(made, PlainSteps):
            return self._record_plain(made, points)
        if isinstance(made, Phase):
            self._record_phase(made, made.results)
            return 0
        self._record(made, points)
        return made[4]

    def _record_plain(self, made: PlainSteps, points: list[Point]) -> int:
        values, times_s = made.take()
        if not values:
            return 0
        track, count, epoch = made.track, len(values), self._epoch
        name, counter = made.name, made.track.counter
        key = track.keys.get(name) or self._key(track, name)
        first = counter.steps + 1
        self.steps += count
        counter.steps += count
        self._record_points(points)
        every = slice(-first % self._every, None, self._every)
        steps, times_ms = range(first, first + count)[every], [int(each * 1000) for each in times_s[every]]
        self.series.add_columns(Series(key, array("q", steps), array("q", times_ms), array("d", values[every])))
        last_ns = int(times_s[-1] * 1e9)
        if epoch is not None:
            epoch.add(key, sum(values), count)
            epoch.last_step, epoch.last_ns = counter.steps, last_ns
        return last_ns

    def _record(self, made: Step, points: list[Point]) -> None:
        self.steps += 1
        track, losses, begun, lr, time_ns, norm = made
        counter = track.counter
        step = counter.steps = counter.steps + 1
        if begun:
            self._turn(begun)
        epoch, keep = self._epoch, step % self._every == 0
        for name, value in losses:
            key = track.keys.get(name) or self._key(track, name)
            if type(value) is float:
                if keep:
                    points.append((key, step, time_ns // 1_000_000, value))
                if epoch is not None:
                    epoch.add(key, value)
            else:
                then = epoch.adder(key) if epoch is not None else None
                self.series.add(key if keep else "", value, step, time_ns, then)
        if lr is not track.lr:
            track.record_lr(lr, self.series, step, time_ns)
        if norm is not None:
            self.series.add(f"gradient_norm{track.suffix}", norm, step, time_ns)
        if epoch is not None:
            epoch.last_step, epoch.last_ns = step, time_ns

    def _record_phase(self, phase: Phase, results: list[Result]) -> None:
        """Record an evaluation that followed the last step; its losses where the training has one."""
        criterion, names = self.criterion, {name for track in self.tracks for name in track.keys}
        if self.tracks:
            certain = criterion if criterion is not None and names == {criterion.name} else None
            self._evaluations.record(phase, results, certain, self._data, self.tracks[0].counter.steps)

    def current_step(self) -> int:
        """The number of the last step."""
        self.gather()
        return self.tracks[0].counter.steps if self.tracks else 0

    def _key(self, track: Track, name: str) -> str:
        # Two networks whose losses have one name in the code have two series.
        mine = self._owners.setdefault(name, track.counter) is track.counter
        key = track.keys[name] = name if mine else f"{name}/{track.index}"
        return key

    # -- epochs ----------------------------------------------------------------------------------------------

    def _turn(self, begun: list[Pass]) -> None:
        """See whether one of the passes that have begun since the last step is a new epoch."""
        alive = [each for each in begun if each.goes_on]
        loader = self._loader() if self._loader is not None else None
        again = [each for each in alive if loader is not None and each.loader is loader]
        if not again and self._epoch is not None and self._epoch.through.goes_on:
            return  # a loader that is used inside a pass through another
        for through in again[-1:] or alive[:1]:
            self.close_epoch()
            self._epoch = Epoch(self.epochs, through)
            self.epochs += 1
            self._loader, self._data = through.reference, through.data
            self.epoch_began(through)

    def epoch_began(self, through: Pass) -> None:
        """A pass is a new epoch. Called by the loop's thread, with the lock held, or by a reader's."""

    def close_epoch(self, *, if_done: bool = False) -> None:
        """Record the epoch that has ended.

        Args:
            if_done: Only where its pass is over.
        """
        epoch = self._epoch
        if epoch is None or not epoch.last_step or (if_done and epoch.through.goes_on):
            return
        self._epoch = None
        self.series.after(lambda: self.series.add_all(epoch.summary(), epoch.last_step, epoch.last_ns))

    def look_at_pass(self) -> None:
        """See how far the pass is that goes on."""
        epoch = self._epoch
        if epoch is not None:
            epoch.through.look()

    def loader_begins(self) -> None:
        """A pass through some loader begins: that through another may be over."""
        self.gather(wait=False)
        if self._lock.acquire(blocking=False):
            try:
                self.close_epoch(if_done=True)
            finally:
                self._lock.release()
