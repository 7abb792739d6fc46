"""The training loops of each thread: what its steps and losses belong to, and which run that is."""

from __future__ import annotations

import os
import sys
import threading
import weakref
from time import time_ns
from typing import Any, NamedTuple

from steno.tracking import context
from torch import nn

from steno_torch.loaders import Pass
from steno_torch.processes import end_with_worker
from steno_torch.recording import MOST_WAITING, Recording
from steno_torch.tensors import Value
from steno_torch.tracks import Track, lr_of, parameters_of

MOST_LOSSES = 1000
_MOST_PASSES = 16
_stack_now = context.stack.get


class _Bound(NamedTuple):
    """Where an optimizer's steps go while the stack of runs is this one; forgotten with the optimizer."""

    track: Track
    recording: Recording
    stack: tuple[Any, ...]
    gone: weakref.ref[Any]


class Loop:
    """What one thread is training.

    A thread has at most one training of its own that new optimizers may join (`current`), and one that has made a
    single step (`draft`); further ones go on for as long as their optimizers step.

    Attributes:
        losses: (name, value) of each loss since the last step; the last thousand, where no step ever comes.
        begun: The passes through data loaders that have begun since.
        passing: The pass that goes on.
        tracks: Where the steps of each optimizer go, by its id.
        scaled: The value of a loss that a gradient scaler has multiplied, by the number of its node in the graph.
    """

    def __init__(self) -> None:
        self.losses: list[tuple[str, Value]] = []
        self.begun: list[Pass] = []
        self.scaled: dict[int, Value] = {}
        self.current: Recording | None = None
        self.draft: Recording | None = None
        self.passing: Pass | None = None
        self._own: list[Recording] = []
        self._by_run: dict[str, Recording] = {}
        self.tracks: dict[int, _Bound] = {}

    # -- steps -----------------------------------------------------------------------------------------------

    def look_at_passes(self) -> list[Pass]:
        begun = self.begun
        if begun:
            self.begun = []
            self.passing = next((each for each in begun if each.goes_on), self.passing)
        if self.passing is not None:
            self.passing.look()
        return begun

    def bind(self, optimizer: Any) -> _Bound | None:
        """Find the recording that a step belongs to; None where it is no training."""
        recording = self._recording_of(optimizer)
        if recording is None:
            return None
        track = recording.track_of(optimizer) or recording.join(optimizer)
        tracks, key = self.tracks, id(optimizer)
        gone = weakref.ref(optimizer, lambda _: tracks.pop(key, None))
        bound = tracks[key] = _Bound(track, recording, _stack_now(), gone)
        return bound

    def _recording_of(self, optimizer: Any) -> Recording | None:
        active = context.active_run()
        if active is not None:
            known = self._by_run.get(active.run_id)
            if known is not None and not known.over:
                return known
            return self._begin(active.run_id) if self._trains(optimizer) else None
        self._own = [each for each in self._own if not each.over]
        for each in self._own:
            if each.track_of(optimizer) is not None:
                return each
        for candidate in (self.current, self.draft):
            if candidate is not None and not candidate.over and candidate.takes(optimizer):
                return candidate
        return self._begin(None) if self._trains(optimizer) else None

    def _trains(self, optimizer: Any) -> bool:
        """Whether a step may be the first of a training: a loss led to it, and it is about a model."""
        return bool(self.losses) and any(isinstance(each, nn.Parameter) for each in parameters_of(optimizer))

    def _begin(self, run_id: str | None) -> Recording:
        recording = Recording()
        if run_id is None:
            self.draft = recording
        else:
            self._by_run = {key: each for key, each in self._by_run.items() if not each.over}
            self._by_run[run_id] = recording
        return recording

    def open(self, recording: Recording) -> None:
        recording.open()
        end_with_worker(end_all)
        if recording is not self.draft:
            return
        before, self.current, self.draft = self.current, recording, None
        self._own.append(recording)
        if before is not None and not before.over:
            before.end_with_its_optimizers()

    # -- what others ask ---------------------------------------------------------------------------------------

    def recording(self) -> Recording | None:
        """Where a value belongs that is told by name: the user's run, else the training that goes on here."""
        active = context.active_run()
        if active is None:
            return self.draft or self.current
        known = self._by_run.get(active.run_id)
        if known is None or known.over:
            known = self._begin(active.run_id)
            known.open()
        return known

    def begin(self, through: Pass) -> None:
        """A pass through a data loader begins: what was going on in another may be over."""
        self.begun = [*self.begun[1 - _MOST_PASSES :], through]
        for each in (self.current, self.draft, *self._by_run.values()):
            if each is not None and not each.over:
                each.loader_begins()

    def end(self, error: BaseException | None = None) -> None:
        """End all its trainings; those in a run of the user's leave it open."""
        own, self._own, by_run, self._by_run = self._own, [], self._by_run, {}
        self.current = self.draft = None
        self.tracks.clear()
        for each in (*own, *by_run.values()):
            each.end(error)

    def __del__(self) -> None:
        # The thread is over. This may be the garbage collector's doing, inside any lock.
        for each in self._own:
            if each.session is not None and not each.over and not sys.is_finalizing():
                each.session.end_later()


class _Here(threading.local):
    """This thread's loop."""

    def __init__(self) -> None:
        self.loop = Loop()
        _all.add(self.loop)


_all: weakref.WeakSet[Loop] = weakref.WeakSet()
here = _Here()
"""`here.loop` is this thread's."""


def stepped(optimizer: Any, args: Any = None, kwargs: Any = None) -> None:
    """An optimizer has made a step. Every line here is paid for at each step of a loop."""
    loop = here.loop
    bound = loop.tracks.get(id(optimizer))
    if bound is None or bound.stack is not _stack_now() or bound.recording.over:
        bound = loop.bind(optimizer)
        if bound is None:
            loop.losses = []
            return
    recording, losses = bound.recording, loop.losses
    loop.losses = []
    begun = loop.look_at_passes() if loop.begun or loop.passing is not None else None
    if recording.silent:
        return
    groups = optimizer.param_groups
    lr = groups[0].get("lr") if len(groups) == 1 else None
    if type(lr) is not float:
        lr = lr_of(groups)
    norm = recording.norm_of(optimizer) if recording.asks_norm else None
    now_ns, waiting = time_ns(), recording.waiting
    waiting.append((bound.track, losses, begun, lr, now_ns, norm))
    # A short step is followed by others soon, a long one is recorded at once; what has begun may be over soon.
    if now_ns > recording.due_ns or len(waiting) >= MOST_WAITING or begun:
        recording.gather(wait=False)
        if not recording.opened and (recording.steps > 1 or _stack_now()):
            loop.open(recording)


def end_all(error: BaseException | None = None) -> None:
    """End the trainings of all threads."""
    for loop in list(_all):
        loop.end(error)


def _reset_after_fork() -> None:
    """In a forked child the trainings are the parent's."""
    _all.clear()
    here.loop = Loop()
    _all.add(here.loop)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reset_after_fork)
