"""What is recorded round `Trainer.validate` and `Trainer.test`: the metrics they end with."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from steno.contracts.integration import Call
from steno.records import Tags

from steno_lightning import origin, params
from steno_lightning.explicit import ExplicitLogger, held
from steno_lightning.training import MODE, writing_to


def validate(call: Call) -> Generator[None, Any, None]:
    """Record one `Trainer.validate`."""
    return _evaluation(call, "validation")


def test(call: Call) -> Generator[None, Any, None]:
    """Record one `Trainer.test`."""
    return _evaluation(call, "testing")


def _evaluation(call: Call, mode: str) -> Generator[None, Any, None]:
    trainer = call.instance
    if not trainer.is_global_zero:
        yield
        return
    with held(trainer.loggers) as logger, writing_to(logger):
        _before(call, trainer, mode)
        yield
        if not any(isinstance(each, ExplicitLogger) for each in trainer.loggers):
            metrics = trainer._logger_connector._callback_metrics
            call.run.log_metrics({key: float(value) for key, value in metrics.items()})


def _before(call: Call, trainer: Any, mode: str) -> None:
    run, model = call.run, call.arguments.get("model")
    model = trainer.lightning_module if model is None else model
    tags = {MODE: mode}
    if call.opened and model is not None:
        tags[Tags.RUN_NAME] = type(model).__name__
    trained_in = origin.run_of(model)
    if trained_in:
        tags[origin.TRAINED_IN] = trained_in
    run.set_tags(tags)
    known = params.Params(run)
    data = (call.arguments.get("datamodule"), call.arguments.get("dataloaders"))
    for each in params.hyperparameters(model, *data):
        known.log(each, "data")
    checkpoint = call.arguments.get("ckpt_path")
    if checkpoint is not None:
        known.log({"ckpt_path": checkpoint}, "trainer")
