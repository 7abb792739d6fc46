"""`StenoCallback`: records a training where it is put among its callbacks, with autologging on or off."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import steno
from steno.autolog import Session, contained
from steno.autolog.contained_run import ContainedRun
from steno.contracts.integration import Options
from steno.errors import InvalidValue
from steno.tracking.run import ActiveRun

from steno_tensorflow import keeping, params, training
from steno_tensorflow.recorder import BatchRecorder, Recorder
from steno_tensorflow.recording import run_of

_NAME = "keras"


@contained
class StenoCallback(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no types
    """Records optimizer, epochs and summary, and the model on request: `model.fit(X, y, callbacks=[StenoCallback()])`.

    Where autologging records the same training to the same run, it leaves that to it and adds what it was asked for
    beyond: nothing is recorded twice. A run that it opened itself ends with the training; if the training raises,
    with the next one that uses the callback, or with the process.

    Args:
        run: Where to; default the active run, or one of its own.
        every_n_steps: Record every n-th batch too, under `<name>_step`.
        log_model: Keep the trained model with the run.
    """

    async_safe = True

    def __init__(
        self, run: ActiveRun | None = None, *, every_n_steps: int | None = None, log_model: bool = False
    ) -> None:
        super().__init__()
        if every_n_steps is not None and (not isinstance(every_n_steps, int) or every_n_steps < 1):
            raise InvalidValue(f"every_n_steps is a whole number from 1, not {every_n_steps!r}")
        self._given = run
        self._every = every_n_steps
        self._log_model = log_model
        self._session: Session | None = None
        self._recorder: Recorder | None = None
        self._beside = False  # autologging records the same

    def on_train_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        """Find the run."""
        self._end()
        model = self.model
        run: Any
        if self._given is not None:
            run = ContainedRun(self._given)
        elif (
            (watched := run_of(model)) is not None
            and (active := steno.active_run()) is not None
            and active.run_id == watched
        ):
            run = ContainedRun(active)
        else:
            self._session = Session(_NAME, type(model).__name__)
            run = self._session.run
        self._beside = run_of(model) == run.run_id
        self._recorder = Recorder(run) if self._every is None else BatchRecorder(run, self._every, epochs=True)
        self._recorder.set_model(model)
        if not self._beside:
            params.log_optimizers(run, model)

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Read the learning rate."""
        if self._recorder is not None and not self._beside:
            self._recorder.on_epoch_begin(epoch, logs)

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Record the batch if its turn has come."""
        if isinstance(self._recorder, BatchRecorder):
            self._recorder.on_train_batch_end(batch, logs)

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Record the epoch."""
        if self._recorder is not None:
            self._recorder.on_epoch_end(epoch, {} if self._beside else logs)

    def on_train_end(self, logs: Mapping[str, Any] | None = None) -> None:
        """Record what is known in the end."""
        recorder, self._recorder = self._recorder, None
        if recorder is None:
            return
        if not self._beside:
            training.log_summary(None, recorder.run, self.model)
        if self._log_model:
            opened = self._session is not None and self._session.opened
            keeping.keep(recorder.run, Options(), self.model, None, float("inf"), fresh=opened)
        self._end()

    def _end(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.end()
