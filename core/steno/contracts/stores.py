"""The stores: where runs and artifacts are kept.

All are synchronous and thread-safe; their users make no lock of their own. Ids of runs are chosen by the
caller, so that a run can begin while its store is away. `steno.testing.stores` has the suites that every
implementation passes.

Errors, for every method: `StoreUnavailable` where the same call may succeed later (the writer tries again),
`StoreReadOnly`, `StoreTooNew`, and otherwise another `StoreError`. A store that waits for others who use it, as a file
that is locked makes one wait, asks `steno.contracts.patience` how long its caller can.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO, Protocol, runtime_checkable

from steno.contracts.logged_models import LoggedModelStore
from steno.queries import ExperimentQuery, RunQuery
from steno.records import Batch, Experiment, FileInfo, MetricBucket, Page, Run, Series, Token


@runtime_checkable
class RunStore(LoggedModelStore, Protocol):
    """Experiments, runs and logged models. The experiment "0", named Default, is there from the start."""

    uri: str

    def create_experiment(
        self, name: str, *, artifact_location: str | None = None, tags: Mapping[str, str] | None = None
    ) -> Experiment:
        """Create an experiment.

        Raises:
            AlreadyExists: The name is taken, also by a deleted experiment.
        """
        ...

    def get_experiment(self, experiment_id: str) -> Experiment:
        """Return an experiment, deleted ones too. Raises: NotFound."""
        ...

    def get_experiment_by_name(self, name: str) -> Experiment | None:
        """Return the experiment of that name, deleted ones too, or None."""
        ...

    def search_experiments(self, query: ExperimentQuery) -> Page[Experiment]:
        """Return one page. Raises: InvalidValue for a page token of another query."""
        ...

    def rename_experiment(self, experiment_id: str, name: str) -> None:
        """Rename. Raises: NotFound, AlreadyExists, RunStateError if it is deleted."""
        ...

    def set_experiment_tags(self, experiment_id: str, tags: Mapping[str, str]) -> None:
        """Set tags. Raises: NotFound, RunStateError if it is deleted."""
        ...

    def delete_experiment_tag(self, experiment_id: str, key: str) -> None:
        """Remove a tag. Raises: NotFound for the experiment or the key."""
        ...

    def delete_experiment(self, experiment_id: str) -> None:
        """Mark it, its runs and its logged models deleted. Raises: NotFound, also when already deleted."""
        ...

    def restore_experiment(self, experiment_id: str) -> None:
        """Undo `delete_experiment`, runs and models included. Raises: NotFound, also when not deleted."""
        ...

    def write(self, run_id: str, batch: Batch, token: Token | None = None) -> None:
        """Apply a batch, whole or not at all: the only way params, tags, metrics and datasets are written.

        With a token the write is repeatable. The store keeps the highest end offset per writer, in the same
        transaction as the data: `token.end` at or below it changes nothing and is no error. A `batch.start`
        for a run that exists already changes nothing, nor does a model in `batch.models` that does. A param already
        there with the same value is fine. A point of a model that is not there is the run's alone.

        Raises:
            NotFound: No such run, and `batch.start` is None; or no such experiment.
            ParamConflict: A param is there with another value.
            RunStateError: The run is deleted.
            StaleToken: `token.start < stored offset < token.end`.
        """
        ...

    def offset(self, writer_id: str) -> int:
        """Return the end offset stored for a writer, 0 when it is unknown. Replay begins there."""
        ...

    def get_run(self, run_id: str) -> Run:
        """Return a run whole, deleted ones too. Raises: NotFound."""
        ...

    def search_runs(self, query: RunQuery) -> Page[Run]:
        """Return one page of whole runs. Raises: InvalidValue for a page token of another query."""
        ...

    def delete_run(self, run_id: str) -> None:
        """Mark a run deleted; again is no error. Raises: NotFound."""
        ...

    def restore_run(self, run_id: str) -> None:
        """Undo `delete_run`; again is no error. Raises: NotFound."""
        ...

    def purge_runs(self, deleted_before_ms: int) -> list[tuple[str, str]]:
        """Remove for good the runs deleted before then, and return their (run id, artifact URI)."""
        ...

    def purge_experiments(self, deleted_before_ms: int) -> list[tuple[str, str]]:
        """Remove for good the experiments deleted before then that hold no run or model; (id, artifact location)."""
        ...

    def compact(self) -> None:
        """Give the space of purged data back to the system."""
        ...

    def metric_history(self, run_id: str, key: str, *, offset: int = 0, limit: int | None = None) -> Series:
        """Return points `[offset, offset + limit)` exactly as logged, empty for an unknown key. Raises: NotFound."""
        ...

    def metric_buckets(
        self,
        run_id: str,
        key: str,
        buckets: int,
        *,
        first_step: int | None = None,
        last_step: int | None = None,
    ) -> list[MetricBucket]:
        """Return at most `buckets` stretches in order of logging; no minimum, maximum or last value is lost."""
        ...

    def close(self) -> None:
        """Release connections; the store may be used again afterwards."""
        ...


@runtime_checkable
class ArtifactStore(Protocol):
    """Files under one root. Keys are normalized relative POSIX paths (`steno.contracts.paths.artifact_key`)."""

    uri: str

    def put(self, key: str, source: Path | bytes, *, move: bool = False) -> None:
        """Store a file or bytes under `key`, replacing what is there; readers see the old or the new, whole.

        With `move` the source file may be consumed. Raises: NotFound if there is no such source file.
        """
        ...

    def open(self, key: str) -> BinaryIO:
        """Open for reading. Raises: NotFound."""
        ...

    def list(self, key: str = "") -> list[FileInfo]:
        """Return the direct children of a folder, sorted by path; empty if there is none."""
        ...

    def delete(self, key: str = "") -> None:
        """Remove a file, or a folder with all it holds; nothing there is no error."""
        ...

    def local_path(self, key: str = "") -> Path | None:
        """Return where `key` lies on this machine's disk, None when it does not."""
        ...
