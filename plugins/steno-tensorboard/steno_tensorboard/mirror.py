"""The mirror: each batch appended to its run's event file, which is opened for that and closed again."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import steno
from msgspec import Struct
from steno.errors import StenoError
from steno.records import Batch, RunStatus

from steno_tensorboard import events
from steno_tensorboard.folders import Folders, Head, head_of, stored_head

_MOST_OPEN = 10_000


class _Mirrored(Struct):
    """A run whose file this process writes, with the params and tags that are in it."""

    head: Head
    folder: Path
    file: Path
    params: dict[str, str]
    tags: dict[str, str]
    writes: int = 0


class Mirror:
    """Writes batches; called by one thread at a time."""

    def __init__(self) -> None:
        self._folders = Folders()
        self._runs: dict[str, _Mirrored] = {}
        self._pid = os.getpid()

    def write(self, run_id: str, batch: Batch, store_uri: str, root: str) -> None:
        """Write a batch and the child runs in it. Raises: OSError, after which no record is there in part."""
        if self._pid != os.getpid():  # a forked child: what the parent has in hand is the parent's file
            self._pid = os.getpid()
            self._runs = {}
        try:
            self._write_one(run_id, batch, store_uri, root)
        except OSError:
            self._runs.pop(run_id, None)  # the next batch asks the store what this one would have told
            raise
        for child_id, child in batch.children:
            self.write(child_id, child, store_uri, root)

    def _write_one(self, run_id: str, batch: Batch, store_uri: str, root: str) -> None:
        run = self._runs.get(run_id) or self._open(run_id, batch, store_uri, root)
        ended = batch.change is not None and batch.change.status and RunStatus(batch.change.status).terminal
        params = {**run.params, **batch.params}
        tags = {key: value for key, value in run.tags.items() if key not in batch.deleted_tags}
        tags.update(batch.start.tags if batch.start else {})
        tags.update(batch.tags)
        _append(run.file, self._records(run, batch, tags), run.head.start_time_ms / 1000)
        if params != run.params:
            _replace(_hparams_file(run), _session(run.head, params))
        run.params, run.tags, run.writes = params, tags, run.writes + 1
        if ended:  # what may still come opens it again
            self._runs.pop(run_id, None)

    def _records(self, run: _Mirrored, batch: Batch, tags: dict[str, str]) -> Iterator[bytes]:
        for series in batch.series.values():
            yield from events.scalar_records(series)
        if tags != run.tags:
            yield events.text_record("steno/tags", _table(tags), run.writes, time.time())
        change = batch.change
        if change is not None and change.status and change.status != RunStatus.RUNNING:
            yield events.session_end_record(change.status, (change.end_time or 0) / 1000)

    def _open(self, run_id: str, batch: Batch, store_uri: str, root: str) -> _Mirrored:
        params: dict[str, str] = {}
        tags: dict[str, str] = {}
        if batch.start is not None:
            head = head_of(run_id, batch.start)
        else:
            try:
                head = stored_head(run_id, store_uri)
                data = steno.Client(store_uri).store.get_run(run_id).data
                params = {key: value for key, value in data.params.items() if key not in batch.params}
                tags = {key: value for key, value in data.tags.items() if key not in batch.tags}
            except StenoError:  # the store is away just now: better under its id than nowhere
                head = Head(run_id, "run", "", int(time.time() * 1000))
        folder = self._folders.find(root, head, store_uri, fresh=batch.start is not None)
        run = self._runs[run_id] = _Mirrored(head, folder, _file_in(folder), params, tags)
        while len(self._runs) > _MOST_OPEN:  # runs that never end, in a process that never ends
            self._runs.pop(next(iter(self._runs)))
        return run


def _file_in(folder: Path) -> Path:
    """This process's file for a run: the one it has begun, if there is one."""
    mine = f".{socket.gethostname()}.{os.getpid()}.steno"
    try:
        found = [name for name in os.listdir(folder) if name.endswith(mine)]
    except OSError:
        found = []
    return folder / (max(found) if found else f"events.out.tfevents.{int(time.time())}{mine}")


def _hparams_file(run: _Mirrored) -> Path:
    # A file of its own, since TensorBoard believes the first it reads: it is replaced as params are added.
    return run.folder / f"events.out.tfevents.{run.head.start_time_ms // 1000}.hparams.steno"


def _session(head: Head, params: dict[str, str]) -> bytes:
    time_s = head.start_time_ms / 1000
    return events.version_record(time_s) + events.session_start_record(params, head.run_id, time_s)


def _append(path: Path, records: Iterable[bytes], start_time_s: float) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666)
    before, whole = os.fstat(file).st_size, False
    try:
        if not before:
            _write_all(file, events.version_record(start_time_s))
        for record in records:
            _write_all(file, record)
        whole = True
    finally:
        if not whole:
            os.ftruncate(file, before)  # nobody reads beyond half a record
        os.close(file)


def _replace(path: Path, content: bytes) -> None:
    part = path.with_name(f".{path.name}.{os.getpid()}".replace("tfevents", "part"))
    try:
        part.write_bytes(content)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _write_all(file: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(file, view) :]


def _table(tags: dict[str, str]) -> str:
    rows = (f"| {_cell(key)} | {_cell(value)} |" for key, value in sorted(tags.items()))
    return "\n".join(("| tag | value |", "|---|---|", *rows))


def _cell(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("\n", "<br>")


mirror = Mirror()
