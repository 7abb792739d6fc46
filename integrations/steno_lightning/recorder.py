"""Looks on while a trainer fits, as one of its callbacks; travels with it into the processes it starts."""

from __future__ import annotations

import os
from typing import Any

from steno.autolog.containment import contained
from steno.contracts.integration import Options, Run

from steno_lightning import params, results, summary
from steno_lightning.first_call import FirstCall
from steno_lightning.series import Series


@contained
class Recorder:
    """What is recorded inside one fit. Keeps no state in checkpoints: it overrides no `state_dict`.

    Attributes:
        run: What to write to.
        params: The params written so far.
        series: The metrics.
        first_call: The module's first forward, for the signature; None where no model is kept.
    """

    def __init__(self, run: Run, options: Options, known: params.Params, *, metrics: bool) -> None:
        self.run = run
        self.params = known
        self.series = Series(run, options.every_n_steps, _every_n_epochs(options), metrics=metrics)
        wanted = options.log_model_signatures or options.log_input_examples
        self.first_call: FirstCall | None = FirstCall() if options.log_models and wanted else None
        self._pid = os.getpid()
        self._silent = False

    # -- moments of Lightning's --------------------------------------------------------------------------------

    def setup(self, trainer: Any, pl_module: Any, stage: str) -> None:
        """Be silent in every process but that of rank 0."""
        self._silent = not trainer.is_global_zero
        if os.getpid() != self._pid:
            self._settle_in()

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Record what is known once everything is configured and restored."""
        if self._silent:
            return
        self.params.log(params.trainer_settings(trainer), "trainer")
        self.params.log(params.early_stopping(trainer), "early_stopping")
        for each in params.optimizers(trainer):
            self.params.log(each, "optimizer")
        self.run.log_file(summary.PATH, summary.text_of(pl_module).encode())
        if self.first_call is not None:
            self.first_call.await_of(trainer, pl_module)
        self.series.begin_epoch(trainer)

    def on_train_epoch_start(self, trainer: Any, pl_module: Any) -> None:
        """Record the epoch before: only now are its means there."""
        if not self._silent:
            self.series.begin_epoch(trainer)

    def on_train_batch_start(self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int) -> None:
        """Take the step before: what was logged in it is complete only now."""
        if not self._silent:
            self.series.catch(trainer)
            if self.series.rates_may_change:
                self.series.rates(trainer)

    def on_validation_start(self, trainer: Any, pl_module: Any) -> None:
        """Record the last step, before validation adds to it."""
        if not self._silent and not trainer.sanity_checking:
            self.series.step(trainer)

    def on_validation_end(self, trainer: Any, pl_module: Any) -> None:
        """Record a validation, at the step it was made."""
        if not self._silent and not trainer.sanity_checking:
            self.series.whole(trainer)

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        """Record the epoch's last step."""
        if not self._silent:
            self.series.end_epoch(trainer)

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        """Record the last epoch."""
        if not self._silent:
            self.series.record_epoch(trainer)

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        """Record what came before an error; the values are there, and nothing is waited for."""
        if not self._silent:
            self.series.step(trainer)

    def on_fit_end(self, trainer: Any, pl_module: Any) -> None:
        """Record how it ended: early stopping is told in the process that trained."""
        if not self._silent:
            self.series.values.finish()
            self.run.log_metrics(results.of_early_stopping(trainer))
            self.run.set_tags(results.of_checkpoints(trainer))

    # Lightning leaves out a hook that cannot be called. Each of these would cost two microseconds a batch.
    on_train_batch_end: Any = None
    on_before_zero_grad: Any = None
    on_before_backward: Any = None
    on_after_backward: Any = None
    on_before_optimizer_step: Any = None
    on_validation_batch_start: Any = None
    on_validation_batch_end: Any = None

    # -- other processes ---------------------------------------------------------------------------------------

    def _settle_in(self) -> None:
        """In a process of the trainer's own: nothing else is to be watched there, as nothing is in the parent."""
        self._pid = os.getpid()
        from steno.autolog.nesting import current

        if current() is None:  # not forked inside the call: a new interpreter, which may have run the user's script
            from steno.autolog import autolog

            autolog(disable=True)

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "first_call": None}


def _every_n_epochs(options: Options) -> int:
    given = options.extra.get("log_every_n_epoch")
    return given if isinstance(given, int) and given > 0 else 1
