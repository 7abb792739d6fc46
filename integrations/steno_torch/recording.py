"""One run of a training loop: from its second step until something else begins, or the thread or process ends."""

from __future__ import annotations

import threading
import weakref
from collections import deque
from contextlib import AbstractContextManager
from time import perf_counter
from typing import Any, TypeAlias

from steno.autolog import Session
from steno.autolog.params import flatten_params
from steno.autolog.switch import watcher
from steno.contracts.integration import Options, Run
from steno.tracking import ending
from steno.tracking.deferred import deferred
from steno.tracking.followers import follow

from steno_torch import births, optimizers, processes
from steno_torch.loaders import Epoch, Pass
from steno_torch.models import Models
from steno_torch.series import Point, Series
from steno_torch.tensors import Value
from steno_torch.tracks import Counter, Track

INTEGRATION = "pytorch"
MOST_WAITING, LONGEST_NS = 256, 50_000_000
STEP_S = 12e-6  # beside `gather`; as seen from outside, since to measure each step would cost as much again
_MOST_TOLD = 8


Step: TypeAlias = tuple[Track, list[tuple[str, Value]], list[Pass] | None, Any, int, Value | None]
"""What one step of an optimizer gave: its track, (name, value) of each `backward` before it, the passes through data
loaders that had begun, the learning rate (of each group, where there are several), the time in nanoseconds, and the
norm of the gradients if that was asked for. No class: a tuple costs a loop less."""


class Recording:
    """What a loop has given until now, kept until there is a run, then recorded.

    Steps come from the loop's thread; whoever reads or ends the run may come from another.

    Attributes:
        first: When its first step was, as `births` counts.
        steps: How many steps it has seen, of all optimizers.
        opened: Whether there is a run.
        silent: Nothing is recorded: another process records this training, or the user wants it so.
        over: It takes nothing more.
        asks_norm: Whether the gradient norm is wanted.
        waiting: What steps have given that is not recorded yet, since it costs less to record some together.
        due_ns: When they are to be, at the next step.
    """

    def __init__(self) -> None:
        self.first = births.now()
        self.steps = 0
        self.opened = self.silent = self.over = False
        self.overhead_s = 0.0
        self.series = Series()
        self.tracks: list[Track] = []
        self.session: Session | None = None
        self._options: Options = watcher(INTEGRATION).options
        self._every = max(1, self._options.every_n_steps)
        self.asks_norm = bool(self._options.extra.get("log_gradient_norm"))
        self.waiting: deque[Step] = deque()
        self.due_ns = 0
        self._active: Any = None  # the run, if it is the recording's own to end
        self._owners: dict[str, Counter] = {}
        self._models = Models()
        self._epoch: Epoch | None = None
        self._epochs = 0
        self._loader: Any = None
        self._told: list[dict[str, Any]] = []
        self._batch_size: int | None = None
        self._training: AbstractContextManager[None] | None = None
        self._lock = threading.RLock()  # a signal handler of the user's may read the run
        self._awaited: list[weakref.ref[Any]] = []

    # -- optimizers ------------------------------------------------------------------------------------------

    def track_of(self, optimizer: Any) -> Track | None:
        """Return the track of an optimizer that has stepped here."""
        return next((track for track in self.tracks if track.optimizer() is optimizer), None)

    def takes(self, optimizer: Any) -> bool:
        """Whether an optimizer belongs to this training: it trains the same parameters, or was there from the start."""
        return births.number_of(optimizer) < self.first or any(t.counter.shares(optimizer) for t in self.tracks)

    def join(self, optimizer: Any) -> Track:
        """Let an optimizer's steps be recorded here."""
        before = next((track for track in self.tracks if track.counter.shares(optimizer)), None)
        counter = before.counter if before is not None else Counter(optimizer)
        counter.meet(optimizer)
        replaces = before is not None and before.optimizer() is None
        index = before.index if before is not None and replaces else len({track.index for track in self.tracks})
        track = Track(optimizer, counter, index)
        self.tracks = [each for each in self.tracks if not (replaces and each is before)] + [track]
        if self.opened:
            self._tell_optimizer(track, optimizer)
            self._models.look_for([optimizer])
            self._tell_models()
        return track

    # -- steps -----------------------------------------------------------------------------------------------

    def gather(self, *, wait: bool = True) -> None:
        """Record the steps that wait.

        Args:
            wait: For another thread that is doing so; a training does not.
        """
        if not self._lock.acquire(blocking=wait):
            return
        began_s, waiting, before = perf_counter(), self.waiting, self.steps
        try:
            points: list[Point] = []
            while waiting:
                made = waiting.popleft()
                self._record(made, points)
            self.series.add_many(points)
            if self.opened and self.steps > before:
                self.due_ns = made[4] + LONGEST_NS
                if self._active is not None:
                    self._active.last_seen_ms = made[4] // 1_000_000
        finally:
            self._lock.release()
            self.overhead_s += perf_counter() - began_s + (self.steps - before) * STEP_S

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

    def norm_of(self, optimizer: Any) -> Value | None:
        """The gradient norm of a step, where it was asked for."""
        return optimizers.gradient_norm(optimizer) if self.asks_norm else None

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
        again = [each for each in alive if self._loader is not None and each.loader is self._loader()]
        if not again and self._epoch is not None and self._epoch.through.goes_on:
            return  # a loader that is used inside a pass through another
        for through in again[-1:] or alive[:1]:
            self._close_epoch()
            self._epoch = Epoch(self._epochs, through)
            self._epochs += 1
            self._loader = weakref.ref(through.loader)
            self._tell_batch_size(through.batch_size)
            self._tell_schedulers()

    def _close_epoch(self, *, if_done: bool = False) -> None:
        """Record the epoch that has ended.

        Args:
            if_done: Only where its pass is over.
        """
        epoch = self._epoch
        if epoch is None or not epoch.last_step or (if_done and epoch.through.goes_on):
            return
        self._epoch = None
        self.series.after(lambda: self.series.add_all(epoch.summary(), epoch.last_step, epoch.last_ns))

    def loader_begins(self) -> None:
        """A pass through some loader begins: that through another may be over."""
        self.gather(wait=False)
        if self._lock.acquire(blocking=False):
            try:
                self._close_epoch(if_done=True)
            finally:
                self._lock.release()

    def _tell_batch_size(self, size: int | None) -> None:
        if size is not None and self._batch_size is None:
            self._batch_size = size
            if self.opened:
                self.run.log_param("batch_size", size)

    # -- the run ---------------------------------------------------------------------------------------------

    @property
    def run(self) -> Run:
        """The run, once there is one."""
        assert self.session is not None
        return self.session.run

    def open(self) -> None:
        """Begin the run, or use the user's; write what was kept. Called from within a step."""
        self.opened = True
        if processes.is_recorded_elsewhere() or self._is_unwanted():
            self.silent = True
            return
        known = [optimizer for track in self.tracks if (optimizer := track.optimizer()) is not None]
        self._models.look_for(known)
        session = self.session = Session(INTEGRATION, self._models.name or "training loop")
        active = getattr(session.run, "active", None)
        if active is None:
            self.silent = True
            return
        if session.opened:
            self._active = active
            ending.watch_exit(active)  # no `with` is round a loop
        self._training = deferred.training()
        self._training.__enter__()
        follow(session.run.run_id, self)
        for track in self.tracks:
            self._tell_optimizer(track, track.optimizer())
        self._tell_schedulers()
        self._tell_models()
        if self._batch_size is not None:
            self.run.log_param("batch_size", self._batch_size)
        self.series.open(session.run)

    def _is_unwanted(self) -> bool:
        from steno.tracking import context

        return self._options.exclusive and context.active_run() is not None

    def _tell_optimizer(self, track: Track, optimizer: Any) -> None:
        told = optimizers.params_of(optimizer)
        if told in self._told or len(self._told) >= _MOST_TOLD or self.silent:
            return
        number = len(self._told)
        self._told.append(told)
        prefix = f"optimizer/{number}." if number else ""
        self.run.log_params(flatten_params({f"{prefix}{name}": value for name, value in told.items()}))

    def _tell_schedulers(self) -> None:
        if not self.opened or self.silent:
            return
        for track in self.tracks:
            told = optimizers.params_of_scheduler(track.optimizer())
            prefix = f"optimizer/{track.index}." if track.index else ""
            told = {f"{prefix}{name}": value for name, value in told.items()}
            if told and told not in self._told:
                self._told.append(told)
                self.run.log_params(told)

    def _tell_models(self) -> None:
        if self.silent:
            return
        self._models.tell(self.run)
        if self._options.log_models:
            self._models.hold()

    # -- the end ---------------------------------------------------------------------------------------------

    def settle(self) -> None:
        """Hand over what is there by now; somebody wants to read the run."""
        if not self.over and self.opened and not self.silent:
            self.gather()
            with self._lock:
                self._close_epoch(if_done=True)
            self.series.drain()

    def ending(self, error: BaseException | None) -> None:
        """Hand over everything: the run ends."""
        ran_through = error is None or isinstance(error, KeyboardInterrupt)
        self.gather()
        with self._lock:
            if self.over:
                return
            self.over = True
            self._close_epoch(if_done=not ran_through)
        self.series.drain()
        session = self.session
        if session is None or self.silent:
            return
        if self._epochs:
            session.run.log_param("epochs", self._epochs)
        self._models.keep(session, self._options, ran_through=ran_through)
        session.overhead_s += self.overhead_s
        if session.opened:
            session.tell_overhead()
        if self._training is not None:
            self._training.__exit__(None, None, None)

    def end(self, error: BaseException | None = None) -> None:
        """End the run if it is a loop's own; of a user's run the loop's part ends."""
        if self.session is None or not self.session.opened:
            self.ending(error)
        else:
            self.session.end(error)

    def end_with_its_optimizers(self) -> None:
        """Another training has begun: end now, or, if an optimizer may still step, once all are gone."""
        alive = [each for track in self.tracks if (each := track.optimizer()) is not None]
        if not alive:
            self.end()
            return
        session = self.session
        awaited = self._awaited

        def gone(reference: Any) -> None:
            if session is not None and not any(each() is not None for each in awaited):
                session.end_later()

        awaited[:] = [weakref.ref(each, gone) for each in alive]
