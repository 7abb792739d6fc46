"""Batches of steno's own clients: whole, with their token, in one request and one transaction."""

from __future__ import annotations

import asyncio
import sys

from starlette.requests import Request
from starlette.responses import Response
from steno.errors import InvalidValue, StaleToken
from steno.records import Batch, Param, RunStatus
from steno.tracking import limits
from steno.wire import batches, coding

from steno_server import recording
from steno_server.service import POINTS, Service

_SIGNS = slice(7 if sys.byteorder == "little" else 0, None, 8)
"""Where the signs of a column are."""


async def write(service: Service, request: Request) -> Response:
    """Record a batch; one that is there already, by its token, changes nothing."""
    content, most = bytearray(), service.options.max_body_bytes
    async for piece in request.stream():
        content += piece
        if len(content) > most:
            raise InvalidValue(f"the body has more than {most} bytes: send several batches")
    written = await asyncio.get_running_loop().run_in_executor(service.writers, _write, service, bytes(content))
    return Response(coding.encode(written), media_type="application/json")


def _write(service: Service, content: bytes) -> batches.Written:
    run_id, batch, token = batches.decode(content)
    _check(run_id, batch)
    try:
        service.store.write(run_id, batch, token)
    except StaleToken as stale:
        return batches.Written(stale_at=stale.offset)
    service.meter.count(POINTS, _points(batch))
    return batches.Written()


def _points(batch: Batch) -> int:
    return sum(map(len, batch.series.values())) + sum(_points(child) for _, child in batch.children)


def _check(run_id: str, batch: Batch) -> None:
    """Judge what a store takes for granted. Raises: InvalidValue; then nothing is written."""
    limits.run_id(run_id)
    if batch.start is not None:
        limits.run_tags(batch.start.tags)
        limits.time_ms(batch.start.start_time)
    if batch.change is not None and batch.change.status is not None and batch.change.status not in set(RunStatus):
        raise InvalidValue(f"unknown run status {batch.change.status!r}; known: {', '.join(RunStatus)}")
    batch.params = limits.run_params([Param(key, value) for key, value in batch.params.items()])
    batch.tags = limits.run_tags(batch.tags)
    for key, series in batch.series.items():
        limits.check_key("metric", key)
        if not series.times.tobytes()[
            _SIGNS
        ].isascii():  # some time is negative; min() of each column would take far longer
            limits.time_ms(min(series.times))
    batch.model_points = [limits.metric(point) for point in batch.model_points]
    for model in batch.models:
        limits.logged_model_name(model.name)
        limits.model_params(model.params)
    recording.check_datasets(batch.inputs)
    for child_id, child in batch.children:
        _check(child_id, child)
