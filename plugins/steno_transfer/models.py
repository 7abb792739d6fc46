"""Logged models, written into a store under the ids they have."""

from __future__ import annotations

from collections import defaultdict
from contextlib import suppress

from steno.contracts.stores import RunStore
from steno.errors import NotFound, StenoError, StoreUnavailable
from steno.model_records import LoggedModel, LoggedModelStatus
from steno.records import Batch, LifecycleStage, Metric
from steno.tracking import places

from steno_transfer.carrier import COMPLETE, FROM, WHOLE, WITHOUT_FILES, Origin
from steno_transfer.files import copy_all, has_any
from steno_transfer.report import Report
from steno_transfer.whole import ForeignModel


class ModelCarrier:
    """Writes logged models, each once, after the runs that made them and before those are deleted.

    Args:
        store: Where to.
        origin: Where from.
        report: Told what was carried, and what not.
        artifacts: Whether files are copied.
    """

    def __init__(self, store: RunStore, origin: Origin, report: Report, *, artifacts: bool = True) -> None:
        self._store, self._origin, self._report, self._artifacts = store, origin, report, artifacts

    def carry(self, foreign: ForeignModel, experiment_id: str, *, deleted: bool) -> None:
        """Write a model. What cannot be written of it is reported. Raises: StoreUnavailable."""
        owner = f"logged model {foreign.model.name} ({foreign.model.model_id})"
        try:
            self._carry(foreign, experiment_id, owner, deleted)
        except StoreUnavailable:
            raise
        except StenoError as error:
            self._report.leave(f"{owner}: {error}")
        for problem in foreign.problems:
            self._report.leave(f"{owner}: {problem}")

    def _carry(self, foreign: ForeignModel, experiment_id: str, owner: str, deleted: bool) -> None:
        model, there = foreign.model, self._there(foreign.model.model_id)
        if there is not None and self._is_done(there):
            self._report.already_there += 1
            return
        made = there or self._make(model, experiment_id)
        missing = {key: value for key, value in model.params.items() if key not in made.params}
        if missing:
            self._store.log_logged_model_params(model.model_id, missing)
        self._write_points(model, owner)
        whole, files = True, has_any(foreign.artifacts)
        if files and self._artifacts and foreign.artifacts is not None:
            target = places.artifact_store(made.artifact_location)
            whole = copy_all(foreign.artifacts, target, self._report, owner, resume=there is not None)
        if model.status not in (LoggedModelStatus.PENDING, LoggedModelStatus.UNSPECIFIED):
            self._store.finalize_logged_model(model.model_id, model.status, model.status_message)
        if whole and not foreign.problems and model.status != LoggedModelStatus.PENDING:
            mark = WHOLE if self._artifacts or not files else WITHOUT_FILES
            self._store.set_logged_model_tags(model.model_id, {COMPLETE: mark})
        if there is None:
            self._report.count(logged_models=1)
        if deleted:
            self._store.delete_logged_model(model.model_id)

    def _there(self, model_id: str) -> LoggedModel | None:
        with suppress(NotFound):
            return self._store.get_logged_model(model_id)
        return None

    def _is_done(self, there: LoggedModel) -> bool:
        marks = (WHOLE,) if self._artifacts else (WHOLE, WITHOUT_FILES)
        ours = FROM in there.tags
        return not ours or there.lifecycle_stage == LifecycleStage.DELETED or there.tags.get(COMPLETE) in marks

    def _make(self, model: LoggedModel, experiment_id: str) -> LoggedModel:
        return self._store.create_logged_model(
            experiment_id,
            model.model_id,
            model.name,
            source_run_id=model.source_run_id,
            model_type=model.model_type,
            params=model.params,
            tags={**model.tags, FROM: f"{self._origin}#{model.model_id}"},
        )

    def _write_points(self, model: LoggedModel, owner: str) -> None:
        by_run: defaultdict[str, list[Metric]] = defaultdict(list)
        for point in model.metrics:
            by_run[point.run_id or model.source_run_id or ""].append(point)
        for run_id, points in by_run.items():
            try:
                self._store.write(run_id, Batch(model_points=points))
            except StoreUnavailable:
                raise
            except StenoError as error:
                self._report.leave(f"{len(points)} points of {owner}: {error}")
