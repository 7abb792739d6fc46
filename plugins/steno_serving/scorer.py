"""The model at work: predictions made in threads of its own, so that probes are answered meanwhile."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

from steno.errors import ModelError, SchemaMismatch, StenoError
from steno.models import load_pyfunc
from steno.models.pyfunc import PyFuncModel

from steno_serving import answers, bodies
from steno_serving.batches import Batches
from steno_serving.bodies import Asked
from steno_serving.options import Options
from steno_serving.rows import Rows

T = TypeVar("T")


class PredictionTimeout(StenoError):
    """A prediction took longer than a request may."""


class Scorer:
    """One model in one process, for the event loop.

    Attributes:
        model: The model as a function.
        options: What the process was told.
        busy_s: How long the model itself has predicted so far.
    """

    def __init__(self, options: Options) -> None:
        self.options = options
        self.model: PyFuncModel = load_pyfunc(options.folder, trusted=options.trusted)
        self.schema = self.model.signature.inputs if self.model.signature is not None else None
        self.busy_s = 0.0
        self._rows = Rows.of(self.model.signature)
        self._threads = ThreadPoolExecutor(options.threads, "steno-serving")
        self._batches = Batches(self._in_thread, options) if options.max_batch_size > 1 else None

    def read(self, kind: str, body: bytes) -> Asked:
        """Return what a body asks. Raises: InvalidValue."""
        if self._rows is not None and kind == bodies.JSON:
            frame = self._rows.read(body)
            if frame is not None:
                return Asked(frame, checked=True)
        return bodies.read(kind, body, self.schema)

    async def score(self, kind: str, body: bytes) -> bytes:
        """Return the answer to a body.

        Raises:
            InvalidValue, SchemaMismatch: The body is not what the model takes.
            ModelError: The model failed.
            PredictionTimeout: It takes too long.
        """
        if self._batches is None:
            return await self._within(self._in_thread(self._scored, kind, body))
        asked = await self._in_thread(self.read, kind, body)
        prediction = await self._within(self._batches.predict(asked, self.predict))
        return await self._in_thread(partial(answers.encode, prediction, wrapped=asked.wrapped))

    async def of(self, inputs: Any, params: dict[str, Any] | None) -> Any:
        """Return the model's prediction. Raises: as `score`."""
        return await self._within(self._in_thread(self.predict, Asked(inputs, params)))

    def _scored(self, kind: str, body: bytes) -> bytes:
        asked = self.read(kind, body)
        return answers.encode(self.predict(asked), wrapped=asked.wrapped)

    def predict(self, asked: Asked) -> Any:
        """Return the model's prediction, in whatever thread. Raises: SchemaMismatch, ModelError."""
        began = time.perf_counter()
        try:
            if asked.checked:
                return self.model.predict_as_it_is(asked.inputs, {})
            return self.model.predict(asked.inputs, asked.params)
        except SchemaMismatch:
            raise
        except StenoError as error:
            raise ModelError(error.message) from error
        except Exception as error:  # advice: what a model raises of inputs it cannot take is not foreseeable
            raise ModelError(f"the model failed: {type(error).__name__}: {error}") from error
        finally:
            self.busy_s += time.perf_counter() - began

    async def _within(self, work: Awaitable[T]) -> T:
        try:
            async with asyncio.timeout(self.options.timeout_s):  # `wait_for` costs some 15 µs more
                return await work
        except TimeoutError as error:
            raise PredictionTimeout(f"the prediction takes more than {self.options.timeout_s:g} s") from error

    def _in_thread(self, function: Callable[..., T], *args: Any) -> asyncio.Future[T]:
        return asyncio.get_running_loop().run_in_executor(self._threads, function, *args)

    def close(self) -> None:
        """Wait for the predictions that are being made."""
        self._threads.shutdown(wait=True, cancel_futures=True)
