"""The client: every tracking operation by id, on a store of one's choice. Names and meanings are MLflow's."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from steno.contracts.stores import RunStore
from steno.errors import InvalidValue, NotFound
from steno.queries import ExperimentQuery, RunQuery, ViewType
from steno.records import (
    Batch,
    DatasetInput,
    Experiment,
    Metric,
    MetricBucket,
    ModelInput,
    ModelOutput,
    Page,
    Param,
    Run,
    RunChange,
    RunStart,
    RunStatus,
    RunTag,
    Tags,
)
from steno.tracking import limits, places, reading
from steno.tracking.artifacts import ArtifactMethods
from steno.tracking.journal import new_id
from steno.tracking.logged_models import LoggedModelMethods
from steno.tracking.model_versions import ModelVersionMethods
from steno.tracking.names import random_name
from steno.tracking.search import parse_experiments, parse_runs


class Client(ArtifactMethods, LoggedModelMethods, ModelVersionMethods):
    """Reads and writes experiments, runs and logged models by id, and registered models by name.

    Writes go straight to the store, on the caller's thread; a run that is open in this process is written by
    way of its journal. Thread-safe.

    Args:
        tracking_uri: The store; default the one of `steno.set_tracking_uri`, whatever it is at each call.
        registry_uri: The store of registered models; default the one of `steno.set_registry_uri`, else the same store.
    """

    def __init__(self, tracking_uri: str | None = None, registry_uri: str | None = None) -> None:
        self._uri = places.absolute_uri(tracking_uri) if tracking_uri else None
        self._registry_uri = places.absolute_uri(registry_uri) if registry_uri else None

    @property
    def tracking_uri(self) -> str:
        """The store's address."""
        return self._uri or places.get_tracking_uri()

    @property
    def registry_uri(self) -> str:
        """The address of the store of registered models."""
        return self._registry_uri or places.registry_uri_beside(self._uri)

    @property
    def store(self) -> RunStore:
        """The store itself."""
        return places.run_store(self.tracking_uri)

    # -- experiments -----------------------------------------------------------------------------------------

    def create_experiment(
        self, name: str, artifact_location: str | None = None, tags: Mapping[str, Any] | None = None
    ) -> str:
        """Create an experiment and return its id. Raises: AlreadyExists, InvalidValue."""
        name, checked = limits.experiment_name(name), limits.experiment_tags(tags or {})
        return self.store.create_experiment(name, artifact_location=artifact_location, tags=checked).experiment_id

    def get_experiment(self, experiment_id: str) -> Experiment:
        """Return an experiment. Raises: NotFound."""
        return self.store.get_experiment(str(experiment_id))

    def get_experiment_by_name(self, name: str) -> Experiment | None:
        """Return the experiment of that name, None if there is none."""
        return self.store.get_experiment_by_name(name)

    def search_experiments(
        self,
        view_type: str | int = ViewType.ACTIVE_ONLY,
        max_results: int = 1000,
        filter_string: str | None = None,
        order_by: Sequence[str] | None = None,
        page_token: str | None = None,
    ) -> Page[Experiment]:
        """Return one page of experiments. Raises: FilterError, InvalidValue."""
        where, order = parse_experiments(filter_string, order_by or ())
        size = limits.page_size(max_results)
        return self.store.search_experiments(ExperimentQuery(where, order, view_type_of(view_type), size, page_token))

    def rename_experiment(self, experiment_id: str, new_name: str) -> None:
        """Rename an experiment. Raises: NotFound, AlreadyExists, RunStateError."""
        self.store.rename_experiment(str(experiment_id), limits.experiment_name(new_name))

    def delete_experiment(self, experiment_id: str) -> None:
        """Mark an experiment and its runs deleted. Raises: NotFound."""
        self.store.delete_experiment(str(experiment_id))

    def restore_experiment(self, experiment_id: str) -> None:
        """Bring a deleted experiment and its runs back. Raises: NotFound."""
        self.store.restore_experiment(str(experiment_id))

    def set_experiment_tag(self, experiment_id: str, key: str, value: Any) -> None:
        """Set a tag. Raises: NotFound, InvalidValue."""
        self.store.set_experiment_tags(str(experiment_id), limits.experiment_tags({key: value}))

    def delete_experiment_tag(self, experiment_id: str, key: str) -> None:
        """Remove a tag. Raises: NotFound."""
        self.store.delete_experiment_tag(str(experiment_id), key)

    # -- runs ------------------------------------------------------------------------------------------------

    def create_run(
        self,
        experiment_id: str,
        start_time: int | None = None,
        tags: Mapping[str, Any] | None = None,
        run_name: str | None = None,
    ) -> Run:
        """Create a run that is not the active one and stays RUNNING until it is terminated."""
        found = limits.run_tags(tags or {})
        name = run_name or found.get(Tags.RUN_NAME) or random_name()
        found[Tags.RUN_NAME] = name
        now = _now_ms() if start_time is None else limits.time_ms(start_time)
        user = found.get(Tags.USER, "unknown")
        run_id = new_id()
        self.store.write(run_id, Batch(start=RunStart(str(experiment_id), name, now, user, found)))
        return self.store.get_run(run_id)

    def get_run(self, run_id: str) -> Run:
        """Return a run as it stands now, with what this process has logged. Raises: NotFound."""
        return reading.get_run(self.tracking_uri, run_id)

    def get_parent_run(self, run_id: str) -> Run | None:
        """Return the run that a run is nested in, None if it is not. Raises: NotFound."""
        parent = self.get_run(run_id).data.tags.get(Tags.PARENT_RUN_ID)
        return self.get_run(parent) if parent else None

    def search_runs(
        self,
        experiment_ids: Sequence[str],
        filter_string: str = "",
        run_view_type: str | int = ViewType.ACTIVE_ONLY,
        max_results: int = 1000,
        order_by: Sequence[str] | None = None,
        page_token: str | None = None,
    ) -> Page[Run]:
        """Return one page of runs. Raises: FilterError naming the position, InvalidValue."""
        if isinstance(experiment_ids, str):
            raise InvalidValue(f"experiment_ids is a list: [{experiment_ids!r}]")
        where, order = parse_runs(filter_string, order_by or ())
        ids = tuple(str(i) for i in experiment_ids)
        size = limits.page_size(max_results)
        query = RunQuery(ids, where, order, view_type_of(run_view_type), size, page_token)
        return reading.search_runs(self.tracking_uri, query)

    def update_run(self, run_id: str, status: str | None = None, name: str | None = None) -> None:
        """Change a run's status or name. Raises: NotFound, InvalidValue."""
        self._write(run_id, Batch(change=RunChange(None if status is None else status_of(status), None, name)))

    def set_terminated(self, run_id: str, status: str | None = None, end_time: int | None = None) -> None:
        """End a run, FINISHED and now by default. Raises: NotFound, InvalidValue."""
        ended = status_of(status or RunStatus.FINISHED)
        self._write(run_id, Batch(change=RunChange(ended, _now_ms() if end_time is None else limits.time_ms(end_time))))

    def delete_run(self, run_id: str) -> None:
        """Mark a run deleted; `restore_run` brings it back until `steno gc`. Raises: NotFound."""
        reading.settle(self.tracking_uri, run_id)
        self.store.delete_run(run_id)

    def restore_run(self, run_id: str) -> None:
        """Bring a deleted run back. Raises: NotFound."""
        self.store.restore_run(run_id)

    # -- what a run records ------------------------------------------------------------------------------------

    def log_metric(
        self,
        run_id: str,
        key: str,
        value: float,
        timestamp: int | None = None,
        step: int | None = None,
        synchronous: bool | None = None,
        dataset_name: str | None = None,
        dataset_digest: str | None = None,
        model_id: str | None = None,
    ) -> None:
        """Record one point, of a logged model too where one is named. Raises: NotFound, InvalidValue naming the key."""
        now = _now_ms() if timestamp is None else timestamp
        self.log_batch(run_id, [Metric(key, value, now, step or 0, dataset_name, dataset_digest, model_id)])

    def log_param(self, run_id: str, key: str, value: Any, synchronous: bool | None = None) -> Any:
        """Record a param and return its value. Raises: NotFound, InvalidValue, ParamConflict."""
        self.log_batch(run_id, params=[Param(key, value)])
        return value

    def set_tag(self, run_id: str, key: str, value: Any, synchronous: bool | None = None) -> None:
        """Set a tag. Raises: NotFound, InvalidValue."""
        self.log_batch(run_id, tags=[RunTag(key, value)])

    def delete_tag(self, run_id: str, key: str) -> None:
        """Remove a tag. Raises: NotFound, also when the run has no such tag."""
        if key not in self.get_run(run_id).data.tags:
            raise NotFound(f"run {run_id} has no tag {key!r}")
        self._write(run_id, Batch(deleted_tags={key}))

    def log_batch(
        self,
        run_id: str,
        metrics: Iterable[Metric] = (),
        params: Iterable[Param] = (),
        tags: Iterable[RunTag] = (),
        synchronous: bool | None = None,
    ) -> None:
        """Record any number of metrics, params and tags, all or none. Raises: NotFound, InvalidValue, ParamConflict."""
        batch = Batch(params=limits.run_params(params), tags=limits.run_tags({t.key: t.value for t in tags}))
        for m in map(limits.metric, metrics):
            batch.add_metric(m.key, m.value, m.timestamp, m.step)
            if m.model_id is not None:
                batch.model_points.append(m)
        for model_id in dict.fromkeys(m.model_id or "" for m in batch.model_points):
            self.get_logged_model(model_id)
        if Tags.RUN_NAME in batch.tags:
            batch.change = RunChange(run_name=batch.tags[Tags.RUN_NAME])
        self._write(run_id, batch)

    def log_inputs(
        self, run_id: str, datasets: Sequence[DatasetInput] | None = None, models: Sequence[Any] | None = None
    ) -> None:
        """Record the datasets and logged models (anything with a `model_id`) that went into a run. Raises: NotFound."""
        used = [ModelInput(self.get_logged_model(each.model_id).model_id) for each in models or ()]
        self._write(run_id, Batch(inputs=list(datasets or ()), model_inputs=used))

    def log_outputs(self, run_id: str, models: Sequence[ModelOutput]) -> None:
        """Record the logged models that came out of a run, each at a step. Raises: NotFound."""
        made = [ModelOutput(self.get_logged_model(each.model_id).model_id, each.step) for each in models]
        self._write(run_id, Batch(outputs=made))

    def get_metric_history(self, run_id: str, key: str) -> list[Metric]:
        """Return every point of a series, in the order they were logged. Raises: NotFound."""
        reading.settle(self.tracking_uri, run_id)
        return self.store.metric_history(limits.run_id(run_id), key).metrics()

    def get_metric_buckets(self, run_id: str, key: str, buckets: int = 1000) -> list[MetricBucket]:
        """Return a series thinned to at most `buckets` stretches, with every extreme kept. Raises: NotFound."""
        reading.settle(self.tracking_uri, run_id)
        return self.store.metric_buckets(limits.run_id(run_id), key, buckets)

    def _write(self, run_id: str, batch: Batch) -> None:
        reading.settle(self.tracking_uri, limits.run_id(run_id))
        self.store.write(run_id, batch)


MlflowClient = Client
"""The name under which MLflow's users know it."""


def view_type_of(value: str | int) -> ViewType:
    """Return a view type from its name, or from MLflow's number for it. Raises: InvalidValue."""
    numbers = {1: ViewType.ACTIVE_ONLY, 2: ViewType.DELETED_ONLY, 3: ViewType.ALL}
    try:
        return numbers[value] if isinstance(value, int) else ViewType(value.upper())
    except (KeyError, ValueError):
        raise InvalidValue(f"unknown view type {value!r}; known: {', '.join(ViewType)}") from None


def status_of(value: str) -> str:
    """Return a run status from its name in any case. Raises: InvalidValue."""
    try:
        return RunStatus(str(value).upper()).value
    except ValueError:
        raise InvalidValue(f"unknown run status {value!r}; known: {', '.join(RunStatus)}") from None


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
