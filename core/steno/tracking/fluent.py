"""The active run: start it, log to it, end it. Names and meanings are MLflow's."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any

from steno import settings
from steno.errors import InvalidValue, RunStateError
from steno.records import (
    DatasetInput,
    InputTag,
    LifecycleStage,
    Metric,
    ModelOutput,
    Param,
    Run,
    RunChange,
    RunStart,
    RunStatus,
    RunTag,
    Tags,
)
from steno.tracking import context, current_model, ending, experiments, limits, places, reading
from steno.tracking.client import Client, status_of
from steno.tracking.context import active_run
from steno.tracking.frames import Facts
from steno.tracking.run import ActiveRun, open_run

logger = logging.getLogger("steno.tracking")
_client = Client()


def start_run(
    run_id: str | None = None,
    experiment_id: str | int | None = None,
    run_name: str | None = None,
    nested: bool = False,
    parent_run_id: str | None = None,
    tags: Mapping[str, Any] | None = None,
    description: str | None = None,
    log_system_metrics: bool | None = None,
) -> ActiveRun:
    """Begin a run and make it the active one, or resume one by its id. Use it in a `with`.

    Inside a run that autologging has begun (in the objective of a study, say) it is nested without being told so.

    Raises:
        RunStateError: Another run is active and `nested` is not given, or the run to resume is deleted.
        NotFound: No run has that id.
    """
    chosen = settings.load()
    current = active_run()
    if current is not None and not nested and context.active_run_of_user() is not None:
        raise RunStateError(
            f"run {current.run_id} is already active: end it with steno.end_run(), or start this one with nested=True"
        )
    given = limits.run_tags(tags or {})
    if description is not None:
        given[Tags.NOTE] = description
    if log_system_metrics:
        logger.warning("this version of steno records no system metrics; the run goes on without them")
    resumed = run_id or (chosen.run_id if current is None else None)
    if resumed:
        settings.take_run_id()
        run = _resume(resumed, run_name, given, experiment_id)
    else:
        run = _begin(current, parent_run_id, run_name, given, experiment_id)
    ending.watch_exit(run)
    context.push(run)
    return run


def _begin(
    current: ActiveRun | None,
    parent_run_id: str | None,
    run_name: str | None,
    tags: dict[str, str],
    experiment_id: str | int | None,
) -> ActiveRun:
    parent = current.run_id if current is not None else parent_run_id
    if current is not None and parent_run_id not in (None, current.run_id):
        raise InvalidValue(f"the parent of this run is the active run {current.run_id}, not {parent_run_id}")
    if parent is not None:
        tags = {**tags, Tags.PARENT_RUN_ID: limits.run_id(parent)}
    name = tags.get(Tags.RUN_NAME)
    if name is not None and run_name is not None and name != run_name:
        raise InvalidValue(f"run_name {run_name!r} and the tag {Tags.RUN_NAME} {name!r} differ; give one of them")
    if experiment_id is not None:
        chosen = str(experiment_id)
    else:
        chosen = current.experiment if current is not None else experiments.for_new_run()
    return open_run(run_name=run_name, tags=tags, experiment_id=chosen)


def _resume(run_id: str, run_name: str | None, tags: dict[str, str], experiment_id: str | int | None) -> ActiveRun:
    found = reading.get_run(places.get_tracking_uri(), run_id)
    if found.info.lifecycle_stage != LifecycleStage.ACTIVE:
        raise RunStateError(f"run {run_id} is deleted; steno.restore_run({run_id!r}) brings it back")
    wanted = experiments.chosen_here() if experiment_id is None else str(experiment_id)
    if wanted not in (None, found.info.experiment_id):
        raise InvalidValue(
            f"run {run_id} belongs to experiment {found.info.experiment_id}, not {wanted}; "
            f"set_experiment(experiment_id={found.info.experiment_id!r}) goes there"
        )
    info = found.info
    start = RunStart(info.experiment_id, info.run_name, info.start_time, info.user_id, found.data.tags)
    run = ActiveRun(run_id, places.get_tracking_uri(), start, create=False, params=found.data.params)
    ending.watch(run)
    if run_name is not None:
        tags = {**tags, Tags.RUN_NAME: run_name}
    change = RunChange(RunStatus.RUNNING.value, run_name=tags.get(Tags.RUN_NAME))
    run.append(Facts(tags=tags, deleted_tags=(Tags.END_REASON, Tags.ERROR), change=change))
    return run


def end_run(status: str = "FINISHED") -> None:
    """End the active run; nothing happens if there is none."""
    run = active_run()
    if run is not None:
        run.end(status_of(status))


def last_active_run() -> Run | None:
    """Return the active run, or else the one that ended last in this thread, as it stands now."""
    run = active_run()
    run_id = run.run_id if run is not None else context.last.get()
    return _client.get_run(run_id) if run_id else None


def require_run() -> ActiveRun:
    """Return the active run, begun now if there is none."""
    return active_run() or start_run()


def get_run(run_id: str) -> Run:
    """Return a run as it stands now. Raises: NotFound."""
    return _client.get_run(run_id)


get_parent_run = _client.get_parent_run
delete_run = _client.delete_run
restore_run = _client.restore_run


def log_metric(
    key: str,
    value: float,
    step: int | None = None,
    synchronous: bool | None = None,
    timestamp: int | None = None,
    run_id: str | None = None,
    model_id: str | None = None,
    dataset: Any = None,
) -> None:
    """Record one point of the active run (or of `run_id`); about a microsecond.

    Args:
        key, value, step, timestamp: The point; at step 0 and now by default.
        synchronous: Accepted as MLflow's users give it; nothing waits.
        run_id: Another run than the active one.
        model_id: The logged model that the point is of too; default the active model, or the one that the run last
            logged at this step.
        dataset: What it was measured on, of `steno.data.from_…`; becomes an input of the run.

    Raises:
        InvalidValue: The key is not allowed, or the value is not a number.
    """
    if run_id is None and model_id is None and dataset is None and context.active_model.get() is None:
        runs = context.stack.get()
        run = runs[-1] if runs else start_run()
        run.log_metric(key, value, step or 0, timestamp)
        return
    _log_points({key: value}, step or 0, timestamp, run_id, model_id, dataset)


def log_metrics(
    metrics: Mapping[str, float],
    step: int | None = None,
    synchronous: bool | None = None,
    run_id: str | None = None,
    timestamp: int | None = None,
    model_id: str | None = None,
    dataset: Any = None,
) -> None:
    """Record one point of each series at the same step; arguments as for `log_metric`.

    Raises:
        InvalidValue: A key is not allowed, or a value is not a number; then none is kept.
    """
    _log_points(metrics, step or 0, timestamp, run_id, model_id, dataset)


def _log_points(
    metrics: Mapping[str, float],
    step: int,
    timestamp: int | None,
    run_id: str | None,
    model_id: str | None,
    dataset: Any,
) -> None:
    run = require_run() if run_id is None else ending.open_run_of(run_id)
    used = None if dataset is None else _input_of(dataset, None, None)
    step = limits.integer("step", step)
    model_id = model_id or current_model.get_active_model_id()
    if model_id is None and run is not None:
        model_id = run.models.get(step) or run.models.get(None)
    if run is not None and model_id is None:
        if used is not None:
            run.log_input(used)
        run.log_metrics(metrics, step, timestamp)
        return
    now = time.time_ns() // 1_000_000 if timestamp is None else timestamp
    name, digest = (used.dataset.name, used.dataset.digest) if used is not None else (None, None)
    points = [limits.metric(Metric(key, value, now, step, name, digest, model_id)) for key, value in metrics.items()]
    if run is None:
        if used is not None:
            _client.log_inputs(str(run_id), [used])
        _client.log_batch(str(run_id), points)
        return
    run.log_model_points(points, [used] if used is not None else [])


def log_param(key: str, value: Any, synchronous: bool | None = None) -> Any:
    """Record a param and return its value. Raises: InvalidValue, ParamConflict."""
    return require_run().log_param(key, value)


def log_params(params: Mapping[str, Any], synchronous: bool | None = None, run_id: str | None = None) -> None:
    """Record params. Raises: InvalidValue, ParamConflict; then none is kept."""
    run = require_run() if run_id is None else ending.open_run_of(run_id)
    if run is not None:
        run.log_params(params)
    else:
        _client.log_batch(str(run_id), params=[Param(key, value) for key, value in params.items()])


def set_tag(key: str, value: Any, synchronous: bool | None = None) -> None:
    """Set a tag. Raises: InvalidValue."""
    require_run().set_tag(key, value)


def set_tags(tags: Mapping[str, Any], synchronous: bool | None = None) -> None:
    """Set tags. Raises: InvalidValue; then none is set."""
    require_run().set_tags(tags)


def delete_tag(key: str) -> None:
    """Remove a tag of the active run. Raises: NotFound if it has no such tag."""
    _client.delete_tag(require_run().run_id, key)


def log_batch(
    metrics: Sequence[Metric] = (), params: Sequence[Param] = (), tags: Sequence[RunTag] = (), run_id: str | None = None
) -> None:
    """Record any number of metrics, params and tags, all or none. Raises: InvalidValue, ParamConflict."""
    _client.log_batch(run_id or require_run().run_id, metrics, params, tags)


def log_input(
    dataset: Any = None, context: str | None = None, tags: Mapping[str, str] | None = None, model: Any = None
) -> None:
    """Record that a dataset (of `steno.data.from_…`) or logged model went into the active run. Raises: InvalidValue."""
    if model is not None:
        _client.log_inputs(require_run().run_id, models=[model])
    if dataset is None:
        if context is not None or tags is not None:
            raise InvalidValue("log_input needs a dataset: steno.data.from_pandas(df), from_numpy(X), …")
        return
    require_run().log_input(_input_of(dataset, context, tags))


def log_inputs(
    datasets: Sequence[Any] | None = None,
    contexts: Sequence[str | None] | None = None,
    tags_list: Sequence[Mapping[str, str] | None] | None = None,
    models: Sequence[Any] | None = None,
) -> None:
    """Record several datasets, for which the lists have one length, and logged models. Raises: InvalidValue."""
    if models:
        _client.log_inputs(require_run().run_id, models=models)
    found = list(datasets or ())
    others = [contexts or [None] * len(found), tags_list or [None] * len(found)]
    if any(len(other) != len(found) for other in others):
        raise InvalidValue("datasets, contexts and tags_list must have the same length")
    for dataset, about, tags in zip(found, *others, strict=True):
        require_run().log_input(_input_of(dataset, about, tags))


def _input_of(dataset: Any, about: str | None, tags: Mapping[str, str] | None) -> DatasetInput:
    if isinstance(dataset, DatasetInput):
        return dataset
    record = getattr(dataset, "record", dataset)
    given = dict(tags or {})
    if about is not None:
        given[Tags.DATASET_CONTEXT] = about
    return DatasetInput(record, tuple(InputTag(key, value) for key, value in given.items()))


def log_outputs(models: Sequence[ModelOutput] | None = None) -> None:
    """Record the logged models that came out of the active run, each at a step. Raises: NotFound."""
    _client.log_outputs(require_run().run_id, models or ())
