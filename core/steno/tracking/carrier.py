"""Carries one journal into its store, exactly once, whenever the store is there."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from msgspec import Struct, structs

from steno.contracts.stores import ArtifactStore, RunStore
from steno.errors import JournalError, NotFound, ParamConflict, RunStateError, StaleToken, StenoError, StoreUnavailable
from steno.plugins import plugins
from steno.records import Batch, Token
from steno.tracking import places
from steno.tracking.frames import Delivery, ModelEnd, SpooledFile
from steno.tracking.segment import SUFFIX

logger = logging.getLogger("steno.writer")

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0


class Source(Protocol):
    """What a carrier reads: a live `Journal`, or the files of one whose owner is gone.

    Attributes:
        run_id, writer_id: Whose.
        acked: Offset up to which the store has everything.
        folder: Where its files lie; the spool folder is below.
    """

    run_id: str
    writer_id: str
    acked: int
    folder: Path

    def pending(self) -> bool:
        """Whether the store lacks something."""
        ...

    def read(self) -> tuple[Batch, list[Delivery], int]:
        """Return what follows `acked`, bounded in size, with the offset behind it."""
        ...

    def acknowledge(self, offset: int) -> None:
        """Remember that the store has everything up to `offset`."""
        ...

    def close(self, *, remove: bool) -> None:
        """Give up the files; with `remove` they go."""
        ...


class _Stretch(Struct):
    """What one write carries: the bytes `[start, end)` of the journal."""

    start: int
    end: int
    batch: Batch
    files: list[Delivery]


class Carrier:
    """Carries one source. Any thread may call `carry`; one at a time works."""

    def __init__(self, source: Source, store_uri: str, *, afterwards: Callable[[], None] | None = None) -> None:
        self.source = source
        self._afterwards = afterwards or (lambda: None)  # when nothing is left; what it raises is a failure too
        self.store_uri = store_uri
        self.closing = False  # nothing more will be appended: when all is carried the files may go
        self.failure: BaseException | None = None
        self.hopeless = False  # its failure is of a kind that a second try at once would meet again
        self._lock = threading.Lock()
        self._retry_at = 0.0
        self._pause = FIRST_PAUSE_S
        self._refused: set[str] = set()
        # A write that failed may have been made all the same: it is repeated as it was, so that the store knows it
        # again, and observers see all of it, once.
        self._unanswered: _Stretch | None = None
        self._artifacts: dict[str, ArtifactStore] = {}  # by the model whose files they are, "" for the run's own

    def carry(self, *, now: bool = False, timeout_s: float = -1) -> bool:
        """Carry what is pending; True when nothing is left.

        Args:
            now: Try although an earlier failure asked for a pause.
            timeout_s: How long to wait for another thread that is carrying the same journal.
        """
        if not now and time.monotonic() < self._retry_at:
            return False
        if not self._lock.acquire(timeout=timeout_s):
            return False
        try:
            while self.source.pending():
                self._carry_once()
            self._afterwards()
            self._retry_at, self._pause, self.failure, self.hopeless = 0.0, FIRST_PAUSE_S, None, False
            return True
        except Exception as error:  # the writer thread's containment: a store or gate may raise anything
            self._failed(error)
            return False
        finally:
            self._lock.release()

    def finish(self) -> bool:
        """Let the files go if the run has ended and everything is carried."""
        with self._lock:
            if self.closing and not self.source.pending():
                self.source.close(remove=True)
                return True
            return False

    def _carry_once(self) -> None:
        source, store, hooks = self.source, places.run_store(self.store_uri), plugins().hooks
        start, written = source.acked, True
        if self._unanswered is None or self._unanswered.start != start:
            self._unanswered = None
            self._unanswered = self._next(store, start)
        batch, end = self._unanswered.batch, self._unanswered.end
        try:
            store.write(source.run_id, batch, Token(source.writer_id, start, end))
        except StaleToken as stale:
            end = stale.offset  # files further on are put early, so that none before it is missed
            written = False
        except NotFound as missing:
            if not self._begins_elsewhere():
                raise
            raise StoreUnavailable(f"the run's beginning is still in another journal: {missing}") from missing
        except ParamConflict as conflict:
            if conflict.key in self._refused:
                raise
            # Found only here when another process wrote the same run: the first value stays.
            logger.warning("%s", conflict)
            self._refused.add(conflict.key)
            self._unanswered = None
            return
        for each in self._unanswered.files:
            # A model may be deleted before the journal has it: what it still lacked goes with it.
            with suppress(*((NotFound, RunStateError) if each.model_id else ())):
                if isinstance(each, ModelEnd):
                    store.finalize_logged_model(each.model_id, each.status, each.message)
                else:
                    self._put(store, each)
        source.acknowledge(end)
        self._unanswered = None
        if written and batch:
            hooks.batch_written(source.run_id, batch, self.store_uri)

    def _begins_elsewhere(self) -> bool:
        """Whether another process, as the parent of this one, has a journal of the run that may hold its beginning."""
        of_run, own = f"{self.source.run_id[:32]}.", f".{self.source.writer_id}."
        try:
            names = os.listdir(self.source.folder)
        except OSError:
            return False
        return any(name.startswith(of_run) and own not in name and name.endswith(SUFFIX) for name in names)

    def _next(self, store: RunStore, start: int) -> _Stretch:
        """Read what comes next, and have it judged."""
        batch, files, end = self.source.read()
        if end <= start:
            raise JournalError(f"the journal of run {self.source.run_id} cannot be read behind byte {start}")
        for key in self._refused:
            batch.params.pop(key, None)
        _settle_experiments(store, batch)
        plugins().hooks.before_write(self.source.run_id, batch)
        return _Stretch(start, end, batch, files)

    def _put(self, store: RunStore, file: SpooledFile) -> None:
        spooled = self.source.folder / "spool" / file.spooled
        if file.content is None and not spooled.exists():  # carried before, by a try that could not acknowledge
            return
        artifacts = self._place(store, file.model_id)
        if file.content is not None:
            artifacts.put(file.key, file.content)
            return
        artifacts.put(file.key, spooled, move=True)
        spooled.unlink(missing_ok=True)

    def _place(self, store: RunStore, model_id: str) -> ArtifactStore:
        if model_id not in self._artifacts:
            if model_id:
                uri = store.get_logged_model(model_id).artifact_location
            else:
                uri = store.get_run(self.source.run_id).info.artifact_uri
            self._artifacts[model_id] = places.artifact_store(uri)
        return self._artifacts[model_id]

    def _failed(self, error: Exception) -> None:
        self.hopeless = isinstance(error, StenoError) and not isinstance(error, StoreUnavailable)
        self._pause = LONGEST_PAUSE_S if self.hopeless else min(self._pause * 2, LONGEST_PAUSE_S)
        self._retry_at = time.monotonic() + self._pause
        if self.failure is None or type(self.failure) is not type(error):
            level = logging.INFO if isinstance(error, StoreUnavailable) else logging.WARNING
            logger.log(
                level,
                "run %s could not be written to %s and waits in its journal: %s: %s",
                self.source.run_id,
                self.store_uri,
                type(error).__name__,
                error,
            )
        self.failure = error


def _settle_experiments(store: RunStore, batch: Batch) -> None:
    """Turn experiments told by name into ids, now that the store can be asked."""
    for each in (batch, *(child for _, child in batch.children)):
        if each.start is not None and each.start.experiment_id.startswith(places.BY_NAME):
            wanted = places.experiment_id(store, each.start.experiment_id)
            each.start = structs.replace(each.start, experiment_id=wanted)
