"""A store that steno has open, read whole: its own, or a tracking server's, MLflow's or steno's."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial
from typing import TypeVar

from msgspec.structs import replace
from steno.contracts.importing import Artifacts, ForeignRun
from steno.contracts.registry import RegistryStore
from steno.contracts.stores import RunStore
from steno.errors import StenoError, StoreUnavailable
from steno.model_records import LoggedModel, LoggedModelStatus, ModelVersion
from steno.queries import (
    Compare,
    Entity,
    ExperimentQuery,
    Field,
    LoggedModelQuery,
    OrderKey,
    RegistryQuery,
    RunQuery,
    ViewType,
)
from steno.records import Experiment, LifecycleStage, Page, Run, Series
from steno.tracking import places

from steno_transfer.carrier import own_tags
from steno_transfer.whole import ForeignModel, ForeignRegistration, Places

T = TypeVar("T")
RUNS_AT_ONCE = 100
_OLDEST_FIRST = (OrderKey(Field(Entity.ATTRIBUTE, "start_time")),)


class OpenStore:
    """A `WholeStore` that is read by way of the contracts of stores.

    Args:
        store: Its runs.
        registry: Its registered models, None if it keeps none.
        identity: What names it.
    """

    def __init__(self, store: RunStore, registry: RegistryStore | None, identity: str) -> None:
        self.identity = identity
        self._store, self._registry = store, registry
        self.places = Places()
        self.problems: list[str] = []
        self.notes: list[str] = []
        self._experiments: list[Experiment] | None = None

    def experiments(self) -> Sequence[Experiment]:
        if self._experiments is None:
            found = _all(lambda token: self._store.search_experiments(_experiments(token)))
            self._experiments = sorted(found, key=lambda each: (len(each.experiment_id), each.experiment_id))
        return self._experiments

    def count(self, names: Collection[str]) -> int | None:
        return None

    def runs(self, names: Collection[str]) -> Iterator[ForeignRun]:
        for experiment in self.experiments():
            if experiment.name in names:
                ids = (experiment.experiment_id,)
                for run in _all(partial(self._page_of_runs, ids)):
                    yield self._run(experiment.name, run)

    def _page_of_runs(self, ids: tuple[str, ...], token: str | None) -> Page[Run]:
        return self._store.search_runs(
            RunQuery(ids, order_by=_OLDEST_FIRST, view=ViewType.ALL, max_results=RUNS_AT_ONCE, page_token=token)
        )

    def _run(self, experiment: str, run: Run) -> ForeignRun:
        problems: list[str] = []
        info = run.info
        self.places.of[info.run_id] = info.artifact_uri
        return ForeignRun(
            key=info.run_id,
            run_id=info.run_id,
            experiment=experiment,
            name=info.run_name,
            user=info.user_id,
            status=info.status,
            start_time=info.start_time,
            end_time=info.end_time,
            params=run.data.params,
            tags=own_tags(run.data.tags),
            series=self._series(run, problems),
            artifacts=_artifacts(info.artifact_uri, problems),
            problems=problems,
            deleted=info.lifecycle_stage == LifecycleStage.DELETED,
            inputs=run.inputs.dataset_inputs,
            model_inputs=run.inputs.model_inputs,
            outputs=run.outputs.model_outputs,
        )

    def _series(self, run: Run, problems: list[str]) -> Iterator[Series]:
        for key in run.data.metrics:
            try:
                yield self._store.metric_history(run.info.run_id, key)
            except StoreUnavailable:
                raise
            except StenoError as error:
                problems.append(f"metric {key!r}: {error}")

    def models(self, names: Collection[str]) -> Iterator[ForeignModel]:
        for each in self.experiments():
            if each.name in names:
                for model in self._models_of(each.experiment_id):
                    yield self._model(each.name, model)

    def _models_of(self, number: str) -> Iterator[LoggedModel]:
        """Yield the logged models of an experiment; a server tells of deleted ones only by their ids."""
        for view in (ViewType.ALL, ViewType.ACTIVE_ONLY):
            found = _all(partial(self._page_of_models, number, view))
            try:
                first = next(found, None)
            except StoreUnavailable:
                raise
            except StenoError as error:
                told = f"logged models, {view.value.lower().replace('_', ' ')}: {error}"
                if told not in self.notes:
                    self.notes.append(told)
                continue
            if first is not None:
                yield first
                yield from found
            return

    def _page_of_models(self, number: str, view: ViewType, token: str | None) -> Page[LoggedModel]:
        return self._store.search_logged_models(LoggedModelQuery((number,), view=view, page_token=token))

    def _model(self, experiment: str, model: LoggedModel) -> ForeignModel:
        problems: list[str] = []
        self.places.of[model.model_id] = model.artifact_location
        artifacts = _artifacts(model.artifact_location, problems)
        return ForeignModel(_without_marks(model), experiment, artifacts, problems)

    def registrations(self) -> Iterator[ForeignRegistration]:
        if self._registry is None:
            return
        registry = self._registry
        for model in _all(lambda token: registry.search_registered_models(RegistryQuery(page_token=token))):
            where = Compare(Field(Entity.ATTRIBUTE, "name"), "=", model.name)
            versions = _all(partial(_page_of_versions, registry, where))
            yield ForeignRegistration(model, sorted(versions, key=lambda each: int(each.version)))

    def close(self) -> None:
        self._store.close()


def _all(page_of: Callable[[str | None], Page[T]]) -> Iterator[T]:
    token: str | None = None
    while True:
        page = page_of(token)
        yield from page
        token = page.token
        if token is None:
            return


def _experiments(token: str | None) -> ExperimentQuery:
    return ExperimentQuery(view=ViewType.ALL, page_token=token)


def _page_of_versions(registry: RegistryStore, where: Compare, token: str | None) -> Page[ModelVersion]:
    return registry.search_model_versions(RegistryQuery(where, page_token=token))


def _artifacts(uri: str, problems: list[str]) -> Artifacts | None:
    try:
        return places.artifact_store(uri) if uri else None
    except StenoError as error:
        problems.append(f"its files at {uri} are out of reach: {error}")
        return None


def _without_marks(model: LoggedModel) -> LoggedModel:
    status = model.status if model.status in set(LoggedModelStatus) else LoggedModelStatus.UNSPECIFIED
    return replace(model, tags=own_tags(model.tags), status=status)
