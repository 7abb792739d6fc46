"""A run that another tool recorded, written into a store: once, and on from where it was interrupted."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass

from steno.contracts.importing import ForeignRun
from steno.contracts.stores import RunStore
from steno.errors import NotFound, RunStateError, StenoError, StoreUnavailable
from steno.plugins import plugins
from steno.queries import Compare, Entity, Field, RunQuery, ViewType
from steno.records import Batch, Experiment, LifecycleStage, Run, RunChange, RunStart, RunStatus, Series, Tags, Token
from steno.tracking import places

from steno_transfer.files import copy_all, has_any
from steno_transfer.report import Report

FROM = "steno.imported_from"
COMPLETE = "steno.import_complete"
WHOLE, WITHOUT_FILES = "true", "without artifacts"
POINTS_AT_ONCE = 50_000
_NAMESPACE = uuid.UUID("6f4b4cf0-6a0e-5d0e-9c7e-5b2f0a6f1f0d")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where runs come from: the importer's name and what names its source."""

    importer: str
    identity: str

    def run_id(self, key: str) -> str:
        """Return the id of a run here, the same at each import."""
        return uuid.uuid5(_NAMESPACE, f"{self.importer}\n{self.identity}\n{key}").hex

    def __str__(self) -> str:
        return f"{self.importer} {self.identity}"


class Carrier:
    """Writes runs into a store, each exactly once.

    A run is marked with where it came from by its first write, and as complete by its last. One that is complete is
    passed over; one that is not, since it was interrupted or still running, goes on with the points that the store
    lacks. Not for several threads; of two processes that carry one run at once the tokens of their writes keep apart
    what they write.

    Args:
        store: Where to.
        origin: Where from.
        report: Told what was carried, and what not.
        artifacts: Whether files are copied.
    """

    def __init__(self, store: RunStore, origin: Origin, report: Report, *, artifacts: bool = True) -> None:
        self._store, self._origin, self._report, self._artifacts = store, origin, report, artifacts
        self._experiments: dict[str, Experiment] = {}
        self._complete = self._find_complete()
        self._carried: set[str] = set()
        self._later: list[tuple[str, str, Batch, bool]] = []

    def experiment(self, name: str) -> Experiment:
        """Return the experiment of a name, made if it is missing. Raises: RunStateError if it is deleted here."""
        found = self._experiments.get(name) or self._store.get_experiment_by_name(name)
        if found is None:
            found = places.experiment_named(self._store, name)
            self._report.count(experiments=1)
        if found.lifecycle_stage == LifecycleStage.DELETED:
            raise RunStateError(f"experiment {name!r} is deleted at the target: restore it and do this again")
        self._experiments[name] = found
        return found

    def carry(self, run: ForeignRun) -> str:
        """Write a run, and return its id here. What cannot be written of it is reported. Raises: StoreUnavailable."""
        run_id = run.run_id or self._origin.run_id(run.key)
        if run_id in self._complete:
            self._report.already_there += 1
            return run_id
        owner = f"run {run.name or run.key} ({run_id})"
        try:
            self._carry(run_id, run, owner)
        except StoreUnavailable:
            raise
        except StenoError as error:
            self._report.leave(f"{owner}: {error}")
        for problem in run.problems:
            self._report.leave(f"{owner}: {problem}")
        return run_id

    def _carry(self, run_id: str, run: ForeignRun, owner: str) -> None:
        there = self._there(run_id)
        if there is not None and (FROM not in there.data.tags or there.info.lifecycle_stage == LifecycleStage.DELETED):
            # Recorded here or deleted here by somebody, or, since that comes last, carried and deleted by us.
            self._report.already_there += 1
            return
        files = has_any(run.artifacts)
        with_files = files and self._artifacts
        done = RunStatus(run.status).terminal
        later = self._for_later(run)
        # A run that is deleted has no mark: being deleted, which comes last, is what tells that it is complete.
        mark = (WHOLE if with_files or not files else WITHOUT_FILES) if done and not run.deleted else None
        self._write(run_id, run, there, None if later or with_files else mark)
        self._carried.add(run_id)
        if there is None:
            self._report.count(runs=1)
        whole = True
        if with_files and run.artifacts is not None:
            target = places.artifact_store(self._store.get_run(run_id).info.artifact_uri)
            whole = copy_all(run.artifacts, target, self._report, owner, resume=there is not None and done)
        if mark is not None and whole and not run.problems:
            later.tags[COMPLETE] = mark
        if run.deleted or later.outputs or later.model_inputs or Tags.PARENT_RUN_ID in later.tags:
            self._later.append((run_id, owner, later, run.deleted))
        elif with_files and later:
            self._store.write(run_id, later)

    def _for_later(self, run: ForeignRun) -> Batch:
        """Return what names runs and models that may not be there yet: a server knows them by ids of its own."""
        later = Batch(model_inputs=list(run.model_inputs), outputs=list(run.outputs))
        parent = self._origin.run_id(run.parent) if run.parent is not None else run.tags.get(Tags.PARENT_RUN_ID)
        if parent is not None and parent not in self._carried and parent not in self._complete:
            later.tags[Tags.PARENT_RUN_ID] = parent
        return later

    def finish(self) -> None:
        """Write what had to wait until all runs and models were there, and delete the runs that are deleted.

        Raises: StoreUnavailable.
        """
        for run_id, owner, batch, deleted in self._later:
            try:
                if batch:
                    self._store.write(run_id, batch)
                if deleted:
                    self._store.delete_run(run_id)
            except StoreUnavailable:
                raise
            except StenoError as error:
                self._report.leave(f"{owner}: {error}")
        self._later.clear()

    def _write(self, run_id: str, run: ForeignRun, there: Run | None, mark: str | None) -> None:
        """Write all but the files; the last batch ends the run, and sets the mark that says what is complete."""
        writer = uuid.uuid5(_NAMESPACE, run_id).hex
        at = self._store.offset(writer)
        batches = self._batches(run, there)
        batch: Batch | None = next(batches)
        while batch is not None:
            following = next(batches, None)
            if following is None:
                # Only now: what could not be read is known when the series are read to their end.
                self._end(batch, run, None if run.problems else mark)
            size = sum(len(series) for series in batch.series.values())
            plugins().hooks.before_write(run_id, batch)
            token = Token(writer, at, at + size + 1) if there is None or size else None
            self._store.write(run_id, batch, token)
            at, batch = at + size + 1, following
            self._report.count(points=size)
        fresh = there is None
        self._report.count(params=len(run.params) * fresh, tags=len(run.tags) * fresh, inputs=len(run.inputs) * fresh)

    def _batches(self, run: ForeignRun, there: Run | None) -> Iterator[Batch]:
        """Yield what is to be written: at least one batch, the first of which makes the run."""
        have = {} if there is None else {key: each.count for key, each in there.data.summaries.items()}
        batch = self._begin(run) if there is None else _what_is_missing(run, there)
        size = 0
        for stretch in run.series:
            for piece in _pieces(_rest(stretch, have)):
                _add(batch, piece)
                size += len(piece)
                if size >= POINTS_AT_ONCE:
                    yield batch
                    batch, size = Batch(), 0
        yield batch

    def _begin(self, run: ForeignRun) -> Batch:
        origin = {FROM: f"{self._origin}#{run.key}"}
        name = run.name or ("" if run.run_id else run.key)
        experiment_id = self.experiment(run.experiment).experiment_id
        return Batch(
            start=RunStart(experiment_id, name, run.start_time, run.user, origin),
            params=dict(run.params),
            inputs=list(run.inputs),
        )

    def _end(self, batch: Batch, run: ForeignRun, mark: str | None) -> None:
        batch.tags = dict(run.tags)
        if run.parent is not None:
            batch.tags[Tags.PARENT_RUN_ID] = self._origin.run_id(run.parent)
        if run.name:
            batch.tags[Tags.RUN_NAME] = run.name
        if mark is not None:
            batch.tags[COMPLETE] = mark
        if run.status != RunStatus.RUNNING or run.end_time is not None:
            batch.change = RunChange(run.status, run.end_time)

    def _there(self, run_id: str) -> Run | None:
        with suppress(NotFound):
            return self._store.get_run(run_id)
        return None

    def _find_complete(self) -> set[str]:
        found: set[str] = set()
        for mark in (WHOLE,) if self._artifacts else (WHOLE, WITHOUT_FILES):  # one by one: a server knows no OR
            where = Compare(Field(Entity.TAG, COMPLETE), "=", mark)
            token: str | None = None
            while True:
                page = self._store.search_runs(RunQuery(None, where, view=ViewType.ALL, page_token=token))
                found.update(run.info.run_id for run in page)
                token = page.token
                if token is None:
                    break
        return found


def own_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """Return tags without those that an earlier transfer left."""
    return {key: value for key, value in tags.items() if key not in (FROM, COMPLETE)}


def _what_is_missing(run: ForeignRun, there: Run) -> Batch:
    """Return what a run lacks that was begun before, apart from points; a foreign server takes no batch whole."""
    used = {(each.dataset.name, each.dataset.digest) for each in there.inputs.dataset_inputs}
    return Batch(
        params={key: value for key, value in run.params.items() if key not in there.data.params},
        inputs=[each for each in run.inputs if (each.dataset.name, each.dataset.digest) not in used],
    )


def _rest(stretch: Series, have: dict[str, int]) -> Series:
    """Return what of a stretch the store lacks; `have` counts down."""
    known = have.get(stretch.key, 0)
    if not known:
        return stretch
    have[stretch.key] = max(known - len(stretch), 0)
    return Series(stretch.key, stretch.steps[known:], stretch.times[known:], stretch.values[known:])


def _pieces(stretch: Series) -> Iterator[Series]:
    for at in range(0, len(stretch), POINTS_AT_ONCE):
        end = at + POINTS_AT_ONCE
        yield Series(stretch.key, stretch.steps[at:end], stretch.times[at:end], stretch.values[at:end])


def _add(batch: Batch, piece: Series) -> None:
    series = batch.series.get(piece.key)
    if series is None:
        batch.series[piece.key] = piece
    else:
        series.steps.extend(piece.steps)
        series.times.extend(piece.times)
        series.values.extend(piece.values)
