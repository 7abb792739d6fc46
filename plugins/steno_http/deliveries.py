"""A batch as requests, in an order that can be gone through again from the start.

MLflow's wire has no token, and a batch may take many requests. What makes a repetition harmless is the server's own
keys: a point, a param, a dataset that is there already changes nothing, a tag is set to the same text, and a run is
looked for before it is made. Within one process a repetition goes on where the last try stopped.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from steno.errors import InvalidValue, NotFound
from steno.records import Batch, Metric, RunStatus
from steno.wire import calls, coding, entities, outward
from steno.wire import messages as m

from steno_http.run_ids import RunIds

if TYPE_CHECKING:
    from steno_http.server import Server

logger = logging.getLogger("steno.http")

MOST_PARAMS = MOST_TAGS = 100
MOST_TOGETHER = MOST_INPUTS = 1000

Step = Callable[[], object]
T = TypeVar("T")


def steps(server: Server, run_id: str, batch: Batch) -> Iterator[Step]:
    """Yield what has to be asked, one request after the other. The status comes last: a run that ended is complete."""
    ids, start = server.run_ids, batch.start
    if start is not None:
        yield partial(ids.make, run_id, start)
    for message in _log_batches(batch, ids):
        yield partial(_log, server, run_id, message)
    for key in sorted(batch.deleted_tags):
        yield partial(_forget_tag, server, run_id, key)
    for part in _pieces(map(outward.dataset_input, batch.inputs), MOST_INPUTS):
        yield partial(_log_inputs, server, run_id, part)
    if batch.model_inputs:
        yield partial(_log_model_inputs, server, run_id, batch)
    for model in batch.models:
        yield partial(server.model_ids.make_in_run, run_id, model)
    for points in _pieces(batch.model_points, MOST_TOGETHER):
        yield partial(_log_model_points, server, run_id, points)
    if batch.outputs:
        yield partial(_log_outputs, server, run_id, batch)
    yield from _children(server, batch)
    if batch.change is not None:
        yield partial(_change, server, run_id, batch)


def _children(server: Server, batch: Batch) -> Iterator[Step]:
    begun = [(run_id, child.start) for run_id, child in batch.children if child.start is not None]
    if len(begun) > 1:
        yield partial(server.run_ids.prepare, begun)
    for run_id, child in batch.children:
        yield from steps(server, run_id, child)


def _log_batches(batch: Batch, ids: RunIds) -> Iterator[m.LogBatch]:
    """Params come first: one that is refused then leaves nothing of the batch behind. Of the rest as much as fits."""
    params = iter(outward.pairs(batch.params) or ())
    tags = iter(outward.pairs(ids.tags_there(batch.tags)) or ())
    metrics = (point for series in batch.series.values() for point in outward.metrics(series))
    while True:
        some_params = list(islice(params, MOST_PARAMS))
        some_tags = list(islice(tags, MOST_TAGS)) if len(some_params) < MOST_PARAMS else []
        room = MOST_TOGETHER - len(some_params) - len(some_tags)
        some_metrics = list(islice(metrics, room)) if len(some_params) < MOST_PARAMS else []
        if not (some_params or some_tags or some_metrics):
            return
        yield m.LogBatch(metrics=some_metrics or None, params=some_params or None, tags=some_tags or None)


def _log(server: Server, run_id: str, message: m.LogBatch) -> None:
    message.run_id = message.run_uuid = server.run_ids.theirs(run_id)
    server.call(calls.LOG_BATCH, message)


def _forget_tag(server: Server, run_id: str, key: str) -> None:
    theirs = server.run_ids.theirs(run_id)
    try:
        server.call(calls.DELETE_TAG, m.RunKey(run_id=theirs, run_uuid=theirs, key=key))
    except NotFound:  # it is not there, which is what is wanted
        return


def _log_inputs(server: Server, run_id: str, datasets: list[entities.DatasetInput]) -> None:
    theirs = server.run_ids.theirs(run_id)
    server.call(calls.LOG_INPUTS, m.LogInputs(run_id=theirs, run_uuid=theirs, datasets=datasets))


def _log_model_inputs(server: Server, run_id: str, batch: Batch) -> None:
    theirs = server.run_ids.theirs(run_id)
    used = [entities.ModelInput(server.model_ids.known(each.model_id)) for each in batch.model_inputs]
    server.call(calls.LOG_INPUTS, m.LogInputs(run_id=theirs, run_uuid=theirs, models=used))


def _log_model_points(server: Server, run_id: str, points: list[Metric]) -> None:
    """Tell of points of models; to MLflow they are their run's too."""
    theirs = server.run_ids.theirs(run_id)
    told = [
        entities.Metric(
            each.key,
            coding.double(each.value),
            each.timestamp,
            each.step,
            model_id=server.model_ids.known(each.model_id or ""),
            dataset_name=each.dataset_name,
            dataset_digest=each.dataset_digest,
        )
        for each in points
    ]
    try:
        server.call(calls.LOG_BATCH, m.LogBatch(run_id=theirs, run_uuid=theirs, metrics=told))
    except InvalidValue as error:
        if len(told) > 1:  # one of them, for all: MLflow keeps one point of a time and step, whatever its dataset
            for point in points:
                _log_model_points(server, run_id, [point])
        else:
            logger.warning(
                "%s takes no point of %r for model %s: %s", server.base, points[0].key, points[0].model_id, error
            )


def _log_outputs(server: Server, run_id: str, batch: Batch) -> None:
    """Tell of models; one that is told twice would be refused, so the server is asked which it knows."""
    theirs = server.run_ids.theirs(run_id)
    shown = server.call(calls.GET_RUN, m.OfRun(run_id=theirs, run_uuid=theirs)).run.outputs
    known = {each.model_id for each in (shown.model_outputs if shown else None) or ()}
    told = [(server.model_ids.known(each.model_id), each.step) for each in batch.outputs]
    new = {model_id: entities.ModelOutput(model_id, step) for model_id, step in told}
    left = [each for each in new.values() if each.model_id not in known]
    if left:
        server.call(calls.LOG_OUTPUTS, m.LogOutputs(run_id=theirs, run_uuid=theirs, models=left))


def _change(server: Server, run_id: str, batch: Batch) -> None:
    change = batch.change
    if change is None or not (change.status or change.end_time is not None or change.run_name):
        return
    theirs = server.run_ids.theirs(run_id)
    asked = m.UpdateRun(
        run_id=theirs, run_uuid=theirs, status=change.status, end_time=change.end_time, run_name=change.run_name
    )
    answer = server.call(calls.UPDATE_RUN, asked)
    if change.status and RunStatus(change.status).terminal:
        server.run_ids.settle(run_id, answer.run_info.experiment_id or "")


def _pieces(items: Iterable[T], size: int) -> Iterator[list[T]]:
    rest = iter(items)
    while piece := list(islice(rest, size)):
        yield piece
