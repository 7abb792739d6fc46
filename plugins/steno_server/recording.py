"""The calls that record something of a run: metrics, params, tags, datasets, models."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from steno.errors import InvalidValue, NotFound
from steno.records import Batch, DatasetInput, LifecycleStage, ModelInput, ModelOutput, Param, RunChange, Series, Tags
from steno.tracking import limits
from steno.wire import coding, entities, inward
from steno.wire import messages as m

from steno_server import asking
from steno_server.service import POINTS, Service

MOST_METRICS = 1000
MOST_PAIRS = 100
MOST_TOGETHER = 1000
MOST_DATASETS = 1000
NAME_LENGTH = 500
DIGEST_LENGTH = 36
SOURCE_LENGTH = 65_535
SCHEMA_LENGTH = 1_048_575
PROFILE_LENGTH = 16_777_215
INPUT_TAG_KEY_LENGTH = 255
INPUT_TAG_LENGTH = 500
MODEL_KEYS = ("artifact_path", "flavors", "utc_time_created", "run_id")


def log_metric(service: Service, ask: m.LogMetric) -> m.Nothing:
    """Record one point."""
    run_id = asking.run_id(ask)
    about = (ask.model_id, ask.dataset_name, ask.dataset_digest)
    point = entities.Metric(ask.key, ask.value, ask.timestamp, ask.step, None, *about)
    service.meter.count(POINTS, service.repeats.write(run_id, _with_points(service, [point])))
    return m.Nothing()


def log_param(service: Service, ask: m.RunPair) -> m.Nothing:
    """Record a param."""
    service.store.write(asking.run_id(ask), Batch(params=limits.run_params([Param(ask.key, ask.value or "")])))
    return m.Nothing()


def set_tag(service: Service, ask: m.RunPair) -> m.Nothing:
    """Set a tag; the run's name follows its tag."""
    service.store.write(asking.run_id(ask), _with_tags(Batch(), [entities.Pair(ask.key, ask.value)]))
    return m.Nothing()


def delete_tag(service: Service, ask: m.RunKey) -> m.Nothing:
    """Remove a tag. Raises: NotFound if it is not there."""
    run_id = asking.run_id(ask)
    if ask.key not in service.store.get_run(run_id).data.tags:
        raise NotFound(f"run {run_id} has no tag {ask.key!r}")
    service.store.write(run_id, Batch(deleted_tags={ask.key}))
    return m.Nothing()


def log_batch(service: Service, ask: m.LogBatch) -> m.Nothing:
    """Record many things, all or none."""
    run_id = asking.run_id(ask)
    metrics, params, tags = ask.metrics or (), ask.params or (), ask.tags or ()
    for kind, given, most in (
        ("metrics", metrics, MOST_METRICS),
        ("params", params, MOST_PAIRS),
        ("tags", tags, MOST_PAIRS),
    ):
        if len(given) > most:
            raise InvalidValue(f"a batch holds at most {most} {kind}; this has {len(given)}: send several")
    if len(metrics) + len(params) + len(tags) > MOST_TOGETHER:
        raise InvalidValue(f"a batch holds at most {MOST_TOGETHER} things; this has more: send several")
    batch = _with_points(service, metrics)
    if params:
        batch.params = limits.run_params([Param(each.key, each.value or "") for each in params])
    service.meter.count(POINTS, service.repeats.write(run_id, _with_tags(batch, tags)))
    return m.Nothing()


def log_inputs(service: Service, ask: m.LogInputs) -> m.Nothing:
    """Record the datasets and logged models that went into a run."""
    run_id = asking.run_id(ask)
    given = ask.datasets or ()
    if len(given) > MOST_DATASETS:
        raise InvalidValue(f"at most {MOST_DATASETS} datasets come at once; these are {len(given)}")
    models = [ModelInput(_known(service, each.model_id)) for each in ask.models or ()]
    service.store.write(run_id, Batch(inputs=[_dataset_input(each) for each in given], model_inputs=models))
    return m.Nothing()


def log_outputs(service: Service, ask: m.LogOutputs) -> m.Nothing:
    """Record the models that came out of a run."""
    made = [ModelOutput(_known(service, each.model_id), limits.integer("step", each.step or 0)) for each in ask.models]
    service.store.write(asking.run_id(ask), Batch(outputs=made))
    return m.Nothing()


def log_model(service: Service, ask: m.LogModel) -> m.Nothing:
    """Add a model among a run's artifacts to the tag that lists them."""
    run_id = asking.run_id(ask)
    model = _json_object(ask.model_json)
    missing = [key for key in MODEL_KEYS if key not in model]
    if missing:
        raise InvalidValue(f"model_json lacks {', '.join(missing)}")
    with service.read_modify_write:
        known = service.store.get_run(run_id).data.tags.get(Tags.LOG_MODEL_HISTORY, "[]")
        logged = json.dumps([*_json_list(known), model])
        service.store.write(run_id, Batch(tags={Tags.LOG_MODEL_HISTORY: logged}))
    return m.Nothing()


def _with_points(service: Service, points: Sequence[entities.Metric]) -> Batch:
    """Return a batch of points, those of logged models for the models too. Raises: InvalidValue."""
    batch = Batch(series=_series(points))
    batch.model_points = [limits.metric(inward.metric(each)) for each in points if each.model_id]
    for model_id in {each.model_id or "" for each in batch.model_points}:
        _known(service, model_id)
    return batch


def _known(service: Service, model_id: str) -> str:
    """Return the id of a logged model that is there. Raises: InvalidValue."""
    try:
        model = service.store.get_logged_model(model_id)
    except NotFound as error:
        raise InvalidValue(error.message) from error
    if model.lifecycle_stage == LifecycleStage.DELETED:
        raise InvalidValue(f"logged model {model_id} is deleted")
    return model_id


def _series(points: Iterable[entities.Metric]) -> dict[str, Series]:
    """Return points by metric. Raises: InvalidValue naming the metric."""
    found: dict[str, Series] = {}
    for point in points:
        series = found.get(point.key)
        if series is None:
            series = found[limits.check_key("metric", point.key)] = Series(point.key)
        if point.timestamp is None:
            raise InvalidValue(f"missing value for required parameter 'timestamp' of metric {point.key!r}")
        value = point.value
        try:
            series.append(point.step or 0, point.timestamp, value if type(value) is float else coding.undouble(value))
        except OverflowError:
            limits.integer("timestamp", point.timestamp)
            limits.integer("step", point.step)
    for series in found.values():
        limits.time_ms(min(series.times))
    return found


def _with_tags(batch: Batch, given: Sequence[entities.Pair]) -> Batch:
    batch.tags = asking.run_tags(given)
    if Tags.RUN_NAME in batch.tags:
        batch.change = RunChange(run_name=batch.tags[Tags.RUN_NAME])
    return batch


def _dataset_input(shown: entities.DatasetInput) -> DatasetInput:
    """Return a dataset as a run used it. Raises: InvalidValue for what is too long."""
    found = inward.dataset_input(shown)
    check_datasets([found])
    return found


def check_datasets(inputs: Iterable[DatasetInput]) -> None:
    """Judge datasets as runs used them. Raises: InvalidValue for what is too long."""
    for each in inputs:
        _check_dataset(each)


def _check_dataset(found: DatasetInput) -> None:
    dataset = found.dataset
    for what, text, most in (
        ("name", dataset.name, NAME_LENGTH),
        ("digest", dataset.digest, DIGEST_LENGTH),
        ("source", dataset.source, SOURCE_LENGTH),
        ("schema", dataset.schema, SCHEMA_LENGTH),
        ("profile", dataset.profile, PROFILE_LENGTH),
        *(("tag's key", tag.key, INPUT_TAG_KEY_LENGTH) for tag in found.tags),
        *(("tag", tag.value, INPUT_TAG_LENGTH) for tag in found.tags),
    ):
        if len(text) > most:
            raise InvalidValue(f"a dataset's {what} has at most {most} characters; this has {len(text)}")


def _json_object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidValue(f"model_json is no JSON: {error}") from error
    if not isinstance(found, dict):
        raise InvalidValue("model_json is no JSON object")
    return found


def _json_list(text: str) -> list[Any]:
    """The models of a tag; what is no list was written by someone else, and is replaced."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return []
    return found if isinstance(found, list) else []
