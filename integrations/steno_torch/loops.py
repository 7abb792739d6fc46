"""The training loops of each thread: what its steps and losses belong to, and which run that is."""

from __future__ import annotations

import os
import sys
import threading
import weakref
from time import time
from typing import Any

import torch
from steno.autolog import contain
from steno.autolog.nesting import current, in_thread_of_ours, inside
from steno.tracking import context
from torch import nn

from steno_torch import criteria
from steno_torch.evaluations import Phase
from steno_torch.finding import modules_of
from steno_torch.loaders import Pass
from steno_torch.plain import OTHERS, LoneLoss, PlainSteps, stack_now
from steno_torch.processes import end_with_worker
from steno_torch.recording import Recording
from steno_torch.searching import Search
from steno_torch.tensors import Value
from steno_torch.tracks import Track, lr_of, parameters_of

MOST_LOSSES = 1000
_MOST_PASSES = 16


class _Bound:
    """Where an optimizer's steps go while the stack of runs is this one; forgotten with the optimizer."""

    __slots__ = ("optimizer", "recording", "stack", "track")

    def __init__(self, track: Track, recording: Recording, optimizer: weakref.ref[Any]) -> None:
        self.track, self.recording, self.optimizer = track, recording, optimizer
        self.stack = stack_now()


class Loop:
    """What one thread is training.

    A thread has at most one training of its own that new optimizers may join (`current`), and one that has made a
    single step (`draft`); further ones go on for as long as their optimizers step.

    Attributes:
        loss: The only loss since the last step.
        losses: (name, value) of each loss since the last step else; the last thousand, where no step ever comes.
        begun: The passes through data loaders that have begun since.
        tracks: Where the steps of each optimizer go, by its id.
        scaled: The value of a loss that a gradient scaler has multiplied, by the number of its node in the graph.
        search: Looks for the loss module of a training whose first step is over.
        phase: The evaluation that goes on, from `eval()` to the next step.
    """

    __slots__ = (
        "__weakref__",
        "_by_run",
        "_own",
        "begun",
        "current",
        "draft",
        "loss",
        "losses",
        "phase",
        "scaled",
        "search",
        "tracks",
    )

    def __init__(self) -> None:
        self.loss = LoneLoss()
        self.losses: list[tuple[str, Value]] = []
        self.begun: list[Pass] = []
        self.scaled: dict[int, Value] = {}
        self.search: Search | None = None
        self.phase: Phase | None = None
        self.current: Recording | None = None
        self.draft: Recording | None = None
        self._own: list[Recording] = []
        self._by_run: dict[str, Recording] = {}
        self.tracks: dict[int, _Bound] = {}

    # -- steps -----------------------------------------------------------------------------------------------

    def unpack(self) -> list[tuple[str, Value]]:
        """Take note that something else has come than the only loss of a step; return all losses."""
        if self.loss.names:
            self.losses.append((self.loss.names[0], self.loss.value))
        self.loss.names = OTHERS
        return self.losses

    def take(self) -> tuple[list[tuple[str, Value]], list[Pass]]:
        """Return the losses and the passes since the last step: there is one now."""
        losses, self.losses = self.unpack(), []
        begun, self.begun = self.begun, []
        self.loss.names = OTHERS if self.scaled or self.search is not None else None
        return losses, begun

    def bind(self, optimizer: Any) -> _Bound | None:
        """Find the recording that a step belongs to; None where it is no training."""
        recording = self._recording_of(optimizer)
        if recording is None:
            return None
        track = recording.track_of(optimizer)
        if track is None:
            track = recording.join(optimizer)
            if self.search is not None:
                self.search.end()
            self.search = Search(recording)
        tracks, key = self.tracks, id(optimizer)
        gone = weakref.ref(optimizer, lambda _: tracks.pop(key, None))
        bound = tracks[key] = _Bound(track, recording, gone)
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
        return bool(self.unpack()) and any(isinstance(each, nn.Parameter) for each in parameters_of(optimizer))

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
        inside.set(inside.get())  # looked at before each loss: what is set is at hand, what is not is searched for
        end_with_worker(end_all)
        if recording is not self.draft:
            return
        before, self.current, self.draft = self.current, recording, None
        self._own.append(recording)
        if before is not None and not before.over:
            before.end_with_its_optimizers()

    # -- evaluations -----------------------------------------------------------------------------------------

    def evaluates(self, module: nn.Module) -> None:
        """A module goes to eval: if it is being trained an evaluation begins, if nothing of it is another's does."""
        active = context.active_run()
        known = self._by_run.get(active.run_id) if active is not None else None
        candidates = [known] if active is not None else [self.draft, *self._own]
        trainings = [each for each in candidates if each is not None and not each.over and not each.silent]
        if not trainings:
            return
        parameters = (p for _, each in modules_of(module) for p in vars(each).get("_parameters", {}).values())
        has_any, recording = False, None
        for parameter in parameters:
            if parameter is not None:
                has_any = True
                recording = next((each for each in trainings if each.trains(parameter)), None)
                if recording is not None:
                    break
        if self.phase is not None:
            if has_any:
                self.phase.again(module if recording is not None else None)
        elif recording is not None:
            self.unpack()  # so that the next step ends it
            self.phase = recording.phase = Phase(recording, module, self.begun)

    def end_phase(self) -> None:
        """A step comes: what was evaluated is recorded at the one before."""
        phase, self.phase = self.phase, None
        if phase is not None:
            phase.end()
            recording = phase.recording
            if recording is not None and recording.phase is phase:
                recording.phase = None
                recording.take(phase)

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

    def look_at_passes(self) -> None:
        """See how far the passes are: an iterator may be about to begin anew."""
        for each in self.begun:
            each.look()
        for recording in (self.current, self.draft, *self._by_run.values()):
            if recording is not None:
                recording.look_at_pass()

    def begin(self, through: Pass) -> None:
        """A pass through a data loader begins: what was going on in another may be over."""
        self.unpack()
        self.begun = [*self.begun[1 - _MOST_PASSES :], through]
        if self.phase is not None:
            self.phase.goes_through(through)
        for each in (self.current, self.draft, *self._by_run.values()):
            if each is not None and not each.over:
                each.loader_begins()

    def end(self, error: BaseException | None = None) -> None:
        """End all its trainings; those in a run of the user's leave it open."""
        own, self._own, by_run, self._by_run = self._own, [], self._by_run, {}
        self.current = self.draft = None
        if self.search is not None:
            self.search.end()
            self.search = None
        self.tracks.clear()
        _latest.plain = None
        for each in (*own, *by_run.values()):
            each.end(error)
        if self.phase is not None:
            self.phase.end()
            self.phase = None

    def __del__(self) -> None:
        # The thread is over. This may be the garbage collector's doing, inside any lock.
        for each in self._own:
            if each.session is not None and not each.over and not sys.is_finalizing():
                each.session.end_later()


_all: weakref.WeakSet[Loop] = weakref.WeakSet()
here = threading.local()
"""`here.loop` is this thread's, and `here.loss` its lone loss, once it is looked for (`loop_here`). A class of its own
would be slower to read."""


class _Latest:
    """The steps that the last one of any thread was like: they are at hand where only one thread trains."""

    __slots__ = ("plain",)

    def __init__(self) -> None:
        self.plain: PlainSteps | None = None


_latest = _Latest()


def loop_here() -> Loop:
    """Return this thread's loop."""
    try:
        return here.loop  # type: ignore[no-any-return]
    except AttributeError:
        loop = here.loop = Loop()
        here.loss = loop.loss
        _all.add(loop)
        return loop


def stepped(optimizer: Any, args: Any = None, kwargs: Any = None) -> None:
    """An optimizer has made a step. Every line here is paid for at each step of a loop."""
    try:
        plain = _latest.plain
        if plain is None or plain.defaults is not optimizer.defaults:
            if current() is not None:
                return  # a watched call's training, which tells of its steps itself
            plain = _latest.plain = _plain_of(optimizer)
        if plain is not None and plain.loss.names is plain.names and plain.stack is stack_now():
            groups = optimizer.param_groups
            # Such a loss was seen outside of every watched call, and so is this step.
            if len(groups) == 1 and groups[0]["lr"] is plain.lr:
                now_s = time()
                plain.values.append(plain.loss.value)
                plain.times_s.append(now_s)
                plain.loss.names = None
                if now_s > plain.due_s:
                    plain.gather()
                return
        if current() is None and not in_thread_of_ours():
            with torch._C.DisableTorchFunction():  # a mode of the user's would see what is asked of the parameters
                _step(loop_here(), optimizer)
    except Exception as error:  # advice: no loop ends for what we make of its steps
        contain("pytorch", "register_optimizer_step_post_hook", error)


def _plain_of(optimizer: Any) -> PlainSteps | None:
    """Return what this thread's steps of an optimizer were like of late."""
    bound = loop_here().tracks.get(id(optimizer))
    return bound.track.plain if bound is not None else None


def _step(loop: Loop, optimizer: Any) -> None:
    """Take a step that is not as the one before."""
    if loop.phase is not None:
        loop.end_phase()
    bound = loop.tracks.get(id(optimizer))
    if bound is None or bound.stack is not stack_now() or bound.recording.over:
        bound = loop.bind(optimizer)
        if bound is None:
            loop.take()
            return
    recording, track, names = bound.recording, bound.track, loop.loss.names
    if loop.search is not None and loop.search.stepped(recording):
        loop.search = None
    losses, begun = loop.take()
    if recording.silent:
        return
    groups = optimizer.param_groups
    lr = lr_of(groups)
    norm = recording.norm_of(optimizer) if recording.asks_norm else None
    now_s = time()
    recording.take((track, losses, begun, lr, int(now_s * 1e9), norm))
    usual = type(lr) is float and recording.opened and not recording.asks_norm
    if names and usual and track.repeats(names, lr):
        _latest.plain = track.plain = PlainSteps(track, optimizer.defaults, names, lr, loop.loss, recording)
    # A short step is followed by others soon, a long one is recorded at once; what has begun may be over soon.
    if now_s > recording.due_s or begun:
        recording.gather(wait=False)
        if not recording.opened and (recording.steps > 1 or stack_now()):
            loop.open(recording)


def end_all(error: BaseException | None = None) -> None:
    """End the trainings of all threads."""
    for loop in list(_all):
        loop.end(error)


def _reset_after_fork() -> None:
    """In a forked child the trainings are the parent's."""
    criteria.reset()
    _all.clear()
    _latest.plain = None
    here.__dict__.clear()
    loop_here()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reset_after_fork)
