"""One run of a training loop: from its second step until something else begins, or the thread or process ends."""

from __future__ import annotations

import weakref
from contextlib import AbstractContextManager
from typing import Any

from steno.autolog import Session
from steno.autolog.params import flatten_params
from steno.autolog.switch import watcher
from steno.contracts.integration import Options, Run
from steno.tracking import ending
from steno.tracking.deferred import deferred
from steno.tracking.followers import follow

from steno_torch import births, optimizers, processes
from steno_torch.gathering import Gathering
from steno_torch.loaders import Pass
from steno_torch.models import Models
from steno_torch.tensors import Value
from steno_torch.tracks import Counter, Track

INTEGRATION = "pytorch"
_MOST_TOLD = 8


class Recording(Gathering):
    """A training with its run: what it has given is kept until there is one, then recorded.

    Attributes:
        first: When its first step was, as `births` counts.
        silent: Nothing is recorded: another process records this training, or the user wants it so.
        asks_norm: Whether the gradient norm is wanted.
        session: Its run, once there is one.
    """

    def __init__(self) -> None:
        self._active: Any = None  # the run, if it is the recording's own to end
        self._options: Options = watcher(INTEGRATION).options
        super().__init__(self._options.every_n_steps)
        self.first = births.now()
        self.silent = False
        self.session: Session | None = None
        self.asks_norm = bool(self._options.extra.get("log_gradient_norm"))
        self._models = Models()
        self._told: list[dict[str, Any]] = []
        self._batch_size: int | None = None
        self._training: AbstractContextManager[None] | None = None
        self._awaited: list[weakref.ref[Any]] = []

    # -- optimizers ------------------------------------------------------------------------------------------

    def track_of(self, optimizer: Any) -> Track | None:
        """Return the track of an optimizer that has stepped here."""
        return next((track for track in self.tracks if track.optimizer() is optimizer), None)

    def takes(self, optimizer: Any) -> bool:
        """Whether an optimizer belongs to this training: it trains the same parameters, or was there from the start."""
        return births.number_of(optimizer) < self.first or any(t.counter.shares(optimizer) for t in self.tracks)

    def trains(self, parameter: Any) -> bool:
        """Whether its optimizers make steps on a parameter."""
        return any(track.counter.has(parameter) for track in self.tracks)

    def join(self, optimizer: Any) -> Track:
        """Let an optimizer's steps be recorded here."""
        before = next((track for track in self.tracks if track.counter.shares(optimizer)), None)
        counter = before.counter if before is not None else Counter(optimizer)
        counter.meet(optimizer)
        replaces = before is not None and before.optimizer() is None
        index = before.index if before is not None and replaces else len({track.index for track in self.tracks})
        track = Track(optimizer, counter, index)
        self.tracks = [each for each in self.tracks if not (replaces and each is before)] + [track]
        for each in self.tracks:
            each.is_lone = not any(other.counter is each.counter for other in self.tracks if other is not each)
        if self.opened:
            self._tell_optimizer(track, optimizer)
            self._models.look_for([optimizer])
            self._tell_models()
        return track

    def norm_of(self, optimizer: Any) -> Value | None:
        """The gradient norm of a step, where it was asked for."""
        return optimizers.gradient_norm(optimizer) if self.asks_norm else None

    # -- what is told of it ----------------------------------------------------------------------------------

    def gather(self, *, wait: bool = True) -> None:
        """Record the steps that wait; a run of its own ends with the last of them."""
        super().gather(wait=wait)
        if self._active is not None:
            self._active.last_seen_ms = self.last_ns // 1_000_000

    def epoch_began(self, through: Pass) -> None:
        """Tell what a new epoch may show first."""
        self._tell_batch_size(through.batch_size)
        self._tell_schedulers()

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
                self.close_epoch(if_done=True)
                phase = self.phase
                if phase is not None and ((done := phase.done()) or phase.is_done):
                    self._record_phase(phase, done)
            self.series.drain()

    def ending(self, error: BaseException | None) -> None:
        """Hand over everything: the run ends."""
        ran_through = error is None or isinstance(error, KeyboardInterrupt)
        self.gather()
        with self._lock:
            if self.over:
                return
            self.over = True
            self.expect_nothing()
            self.close_epoch(if_done=not ran_through)
            self._close_phase(ran_through=ran_through)
        self.series.drain()
        session = self.session
        if session is None or self.silent:
            return
        if self.epochs:
            session.run.log_param("epochs", self.epochs)
        self._models.keep(session, self._options, ran_through=ran_through)
        session.overhead_s += self.overhead_s
        if session.opened:
            session.tell_overhead()
        if self._training is not None:
            self._training.__exit__(None, None, None)

    def _close_phase(self, *, ran_through: bool) -> None:
        phase, self.phase = self.phase, None
        if phase is not None:
            phase.end()
            self._record_phase(phase, phase.results if ran_through else phase.done(of_passes=True))

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
