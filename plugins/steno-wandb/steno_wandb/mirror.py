"""The mirror: each batch appended to its run's file, which is opened for that and closed again."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import steno
from msgspec import Struct
from steno.errors import StenoError
from steno.records import Batch, Run, RunStatus, Tags

from steno_wandb import datastore, records
from steno_wandb.records import Head
from steno_wandb.rows import rows

_MOST_OPEN = 10_000
_MOST_KNOWN = 10_000


class _Mirrored(Struct):
    """A run whose file this process writes.

    Attributes:
        count: Records in the file.
        next_row: The number of the next row of the history, over all files of the run.
        defined: Series whose axis is told.
    """

    head: Head
    path: Path
    count: int = 0
    next_row: int = 0
    defined: set[str] = set()


class Mirror:
    """Writes batches; called by one thread at a time."""

    def __init__(self) -> None:
        self._runs: dict[str, _Mirrored] = {}
        self._projects: dict[tuple[str, str], str] = {}
        self._names: dict[str, str] = {}
        self._pid = os.getpid()

    def write(self, run_id: str, batch: Batch, store_uri: str, root: str) -> None:
        """Write a batch and the child runs in it. Raises: OSError, after which no record is there in part."""
        if self._pid != os.getpid():  # a forked child: what the parent has in hand is the parent's file
            self._pid = os.getpid()
            self._runs = {}
        self._write_one(run_id, batch, store_uri, root)
        for child_id, child in batch.children:
            self.write(child_id, child, store_uri, root)

    def _write_one(self, run_id: str, batch: Batch, store_uri: str, root: str) -> None:
        run = self._runs.get(run_id)
        status = batch.change.status if batch.change else None
        if run is None:
            if batch.start is None and not batch.series and not batch.params and status != RunStatus.RUNNING:
                return  # what comes behind the end of a run, a tag say, is not worth another file
            run = self._open(run_id, batch, store_uri, root)
        writing = _Writing(run)
        try:
            datastore.append(run.path, writing.records(batch))
        except OSError:
            self._runs.pop(run_id, None)  # the next batch begins another file, with what the store knows
            raise
        run.count, run.next_row = writing.count, writing.next_row
        run.defined = writing.defined
        if status and RunStatus(status).terminal:
            self._runs.pop(run_id, None)

    def _open(self, run_id: str, batch: Batch, store_uri: str, root: str) -> _Mirrored:
        head, params, tags = self._head_of(run_id, batch, store_uri)
        others = sorted(Path(root).glob(f"offline-run-*-{run_id}/run-{run_id}.wandb")) if batch.start is None else []
        next_row = sum(1 for path in others for record in datastore.read(path) if records.is_history(record))
        run = _Mirrored(head, _free(root, head), next_row=next_row)
        first = (
            records.header(),
            records.run(head, params, tags, starting_step=next_row, resumed=bool(others)),
            records.metric(records.STEP),
        )
        datastore.append(run.path, (records.numbered(at, run_id, each) for at, each in enumerate(first, 1)))
        run.count = len(first)
        while len(self._runs) >= _MOST_OPEN:  # runs that never end, in a process that never ends
            self._runs.pop(next(iter(self._runs)))
        self._runs[run_id] = run
        return run

    def _head_of(self, run_id: str, batch: Batch, store_uri: str) -> tuple[Head, dict[str, str], dict[str, str]]:
        """What a run is called, and the params and tags that its next batch does not tell."""
        environ, start = os.environ, batch.start
        if start is not None:
            name, experiment_id, time_ms, params, tags = (
                start.run_name,
                start.experiment_id,
                start.start_time,
                {},
                start.tags,
            )
        else:
            try:
                stored: Run = steno.Client(store_uri).store.get_run(run_id)
                name, experiment_id, time_ms = stored.info.run_name, stored.info.experiment_id, stored.info.start_time
                params, tags = stored.data.params, stored.data.tags
            except StenoError:  # the store is away just now: better under its id than nowhere
                name, experiment_id, time_ms, params, tags = run_id, "", int(time.time() * 1000), {}, {}
        self._remember(run_id, name)
        parent = tags.get(Tags.PARENT_RUN_ID, "")
        head = Head(
            run_id,
            name,
            environ.get("WANDB_PROJECT") or self._project(experiment_id, store_uri),
            environ.get("WANDB_ENTITY", ""),
            time_ms,
            self._names.get(parent, parent),
            tags.get(Tags.NOTE, ""),
        )
        return head, dict(params), dict(tags)

    def _remember(self, run_id: str, name: str) -> None:
        if len(self._names) >= _MOST_KNOWN:
            self._names.clear()
        self._names[run_id] = f"{name}-{run_id[-6:]}"

    def _project(self, experiment_id: str, store_uri: str) -> str:
        key = store_uri, experiment_id
        if key not in self._projects:
            try:
                name = steno.Client(store_uri).store.get_experiment(experiment_id).name
            except StenoError:
                return "steno"
            # Weights & Biases refuses these in the name of a project, and more than 128 characters.
            self._projects[key] = "".join("-" if char in "/\\#?%:" else char for char in name)[:128] or "steno"
        return self._projects[key]


class _Writing:
    """One batch on its way into the file; what the run knows changes only once it is there."""

    def __init__(self, run: _Mirrored) -> None:
        self._run = run
        self.count, self.next_row, self.defined = run.count, run.next_row, run.defined | set()

    def records(self, batch: Batch) -> Iterator[bytes]:
        """Yield the records of a batch."""
        for content in self._contents(batch):
            self.count += 1
            yield records.numbered(self.count, self._run.head.run_id, content)

    def _contents(self, batch: Batch) -> Iterator[bytes]:
        started = self._run.head.start_time_ms
        if batch.params or batch.tags:
            yield records.config(batch.params, batch.tags)
        for key in batch.series.keys() - self.defined:
            self.defined.add(key)
            yield records.metric(key)
        last: dict[str, float] = {}
        for step, time_ms, values in rows(batch.series):
            yield records.history(self.next_row, step, time_ms, started, values)
            self.next_row += 1
            last.update(values)
        if last:
            yield records.summary(last, self.next_row - 1, step, time_ms, started)
        change = batch.change
        if change is not None and change.status and RunStatus(change.status).terminal:
            yield records.exit_record(change.status, (change.end_time or started) - started)


def _free(root: str, head: Head) -> Path:
    """A file in a folder of its own, named as wandb names them: by when it was begun, and the run."""
    time_s = head.start_time_ms / 1000
    while True:
        begun = time.strftime("%Y%m%d_%H%M%S", time.localtime(time_s))
        folder = Path(root) / f"offline-run-{begun}-{head.run_id}"
        try:
            folder.mkdir(parents=True)
        except FileExistsError:  # the run goes on, here or in another process
            time_s = max(time_s + 1, time.time())
            continue
        (folder / "files").mkdir()
        return folder / f"run-{head.run_id}.wandb"


mirror = Mirror()
