"""Writes one batch after the other, each once however often it comes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct
from steno.errors import (
    InvalidValue,
    NotFound,
    ParamConflict,
    RunStateError,
    StaleToken,
    StoreUnavailable,
)
from steno.records import Batch, LifecycleStage, Token
from steno.wire import batches, calls, inward
from steno.wire import messages as m

from steno_http.deliveries import steps

if TYPE_CHECKING:
    from steno_http.server import Server

MOST_WRITERS = 10_000
_MSGPACK = {"Content-Type": "application/msgpack"}


class _Progress(Struct):
    """How many requests of a batch were answered, the batch told by its token."""

    token: Token
    answered: int = 0


class Writing:
    """What this process wrote to a server. Thread-safe; batches of one writer come one after the other.

    Args:
        server: Where to.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self._offsets: dict[str, int] = {}
        self._unfinished: dict[str, _Progress] = {}

    def offset(self, writer_id: str) -> int:
        """Return up to where a writer's journal was written by this process: the server keeps no such thing."""
        return self._offsets.get(writer_id, 0)

    def write(self, run_id: str, batch: Batch, token: Token | None) -> None:
        """Write a batch. Raises: as `RunStore.write`."""
        if token is not None:
            stored = self.offset(token.writer_id)
            if token.end <= stored:
                return
            if token.start < stored:
                raise StaleToken(token.writer_id, stored)
        try:
            if self._server.is_steno():
                self._deliver_whole(run_id, batch, token)
            else:
                self._deliver(run_id, batch, token)
        except InvalidValue as error:
            self._explain(run_id, batch, error)
            raise
        if token is not None:
            if len(self._offsets) >= MOST_WRITERS:
                self._offsets.clear()
            self._offsets[token.writer_id] = token.end

    def _deliver_whole(self, run_id: str, batch: Batch, token: Token | None) -> None:
        """Send a batch in one message, which a steno server takes whole and once, by its token."""
        body = batches.encode(run_id, batch, token)
        answer = self._server.transport.send("POST", batches.WRITE, body=body, headers=_MSGPACK)
        stale_at = self._server.read(answer.content, batches.Written, batches.WRITE).stale_at
        if stale_at is not None and token is not None:
            self._offsets[token.writer_id] = stale_at
            raise StaleToken(token.writer_id, stale_at)

    def _deliver(self, run_id: str, batch: Batch, token: Token | None) -> None:
        """Go on where the last try of the same batch was interrupted; one that was refused begins again."""
        before = self._unfinished.pop(token.writer_id, None) if token else None
        done = before.answered if before is not None and before.token == token else 0
        position = 0
        try:
            for position, step in enumerate(steps(self._server, run_id, batch)):
                if position >= done:
                    step()
        except StoreUnavailable:
            if token is not None:
                if len(self._unfinished) >= MOST_WRITERS:
                    self._unfinished.clear()
                self._unfinished[token.writer_id] = _Progress(token, max(done, position))
            raise

    def _explain(self, run_id: str, batch: Batch, error: InvalidValue) -> None:
        """Raise what a refusal means, where the server's state tells it: it has one code for many things."""
        if batch.start is not None:
            self._check_experiment(batch.start.experiment_id, error)
        for each, written in ((run_id, batch), *batch.children):
            try:
                theirs = self._server.run_ids.theirs(each)
            except NotFound:
                continue
            run = self._server.call(calls.GET_RUN, m.OfRun(run_id=theirs, run_uuid=theirs)).run
            if inward.run_info(run.info).lifecycle_stage == LifecycleStage.DELETED:
                raise RunStateError(f"run {each} is deleted: restore_run brings it back") from error
            there = inward.run_data(run.data).params
            for key, value in written.params.items():
                if there.get(key, value) != value:
                    raise ParamConflict(key, there[key], value, each) from error

    def _check_experiment(self, experiment_id: str, error: InvalidValue) -> None:
        try:
            found = self._server.call(calls.GET_EXPERIMENT, m.ExperimentId(experiment_id=experiment_id)).experiment
        except InvalidValue:
            raise NotFound(f"there is no experiment with the id {experiment_id!r}") from error
        if found.lifecycle_stage == LifecycleStage.DELETED:
            raise RunStateError(f"experiment {experiment_id} is deleted: restore it first") from error
