"""Requests that come at the same time, predicted together: a model takes little longer for many rows than for one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from msgspec import Struct
from steno.models import frames

from steno_serving.bodies import Asked
from steno_serving.options import Options

Predict = Callable[[Asked], Any]
InThread = Callable[..., "asyncio.Future[Any]"]


class _Waiting(Struct):
    asked: Asked
    answer: asyncio.Future[Any]


class Batches:
    """Gathers requests on the event loop, and has each batch predicted in a thread.

    Tables with the same columns and types are joined; what cannot be, or has params, is predicted alone, and so is
    each request of a batch that failed, so that it hurts nobody else.
    """

    def __init__(self, in_thread: InThread, options: Options) -> None:
        self._in_thread = in_thread
        self._most = options.max_batch_size
        self._wait_s = options.max_latency_ms / 1000
        self._waiting: list[_Waiting] = []
        self._timer: asyncio.TimerHandle | None = None
        self._running: set[asyncio.Task[None]] = set()

    async def predict(self, asked: Asked, predict: Predict) -> Any:
        """Return the prediction for one request. Raises: as `predict`."""
        if asked.params or not asked.wrapped or not frames.is_dataframe(asked.inputs) or not len(asked.inputs):
            return await self._in_thread(predict, asked)
        loop = asyncio.get_running_loop()
        waiting = _Waiting(asked, loop.create_future())
        self._waiting.append(waiting)
        if len(self._waiting) >= self._most:
            self._go(predict)
        elif self._timer is None:
            self._timer = loop.call_later(self._wait_s, self._go, predict)
        return await waiting.answer

    def _go(self, predict: Predict) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        batch, self._waiting = self._waiting, []
        if batch:
            task = asyncio.get_running_loop().create_task(self._answer(batch, predict))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def _answer(self, batch: list[_Waiting], predict: Predict) -> None:
        together = await self._in_thread(_joined, batch, predict)
        for at, each in enumerate(batch):
            if each.answer.done():  # who asked has gone, or waited too long
                continue
            try:
                found = together[at] if together else await self._in_thread(predict, each.asked)
            except Exception as error:  # advice: whatever it is belongs to who asked
                if not each.answer.done():
                    each.answer.set_exception(error)
            else:
                if not each.answer.done():
                    each.answer.set_result(found)


def _joined(batch: list[_Waiting], predict: Predict) -> list[Any]:
    """Return the predictions of a batch, one by one; nothing where the requests cannot be predicted together."""
    tables = [each.asked.inputs for each in batch]
    first = tables[0]
    same = all(list(each.columns) == list(first.columns) and (each.dtypes == first.dtypes).all() for each in tables)
    if len(batch) == 1 or not same:
        return []
    import pandas as pd

    try:
        whole = predict(Asked(pd.concat(tables, ignore_index=True), checked=all(each.asked.checked for each in batch)))
        if not hasattr(whole, "__len__") or len(whole) != sum(map(len, tables)) or isinstance(whole, dict):
            return []
        return _cut(whole, [len(each) for each in tables])
    except Exception:  # advice: one by one, each gets its own answer or error
        return []


def _cut(whole: Any, lengths: list[int]) -> list[Any]:
    parts, start = [], 0
    by_place = whole.iloc if hasattr(whole, "iloc") else whole
    for length in lengths:
        parts.append(by_place[start : start + length])
        start += length
    return parts
