"""What is recorded round a fit: hyper-parameters before, a callback within, the model after."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any

from steno.autolog.describe import describe_data
from steno.contracts.integration import Call
from steno.records import Tags
from steno.tracking import context
from steno.tracking.deferred import deferred

from steno_lightning import keeping, origin, package, params, profiled
from steno_lightning.explicit import ExplicitLogger, held
from steno_lightning.recorder import Recorder

MODE = "Mode"


def fit(call: Call) -> Generator[None, Any, None]:
    """Record one `Trainer.fit`, in the process of rank 0; a tuner's trial runs are left out."""
    trainer = call.instance
    if not trainer.is_global_zero or _is_trial(trainer):
        yield
        return
    with held(trainer.loggers) as logger, writing_to(logger):
        recorder = _begin(call, trainer)
        with _looking_on(trainer, recorder), deferred.training():
            yield
        _after(call, trainer, recorder)


@contextmanager
def _looking_on(trainer: Any, recorder: Any) -> Iterator[None]:
    """Let the recorder be one of the trainer's callbacks, and leave these as they were."""
    told = profiled.is_profiled(trainer) and profiled.begin(trainer, recorder)
    if not told:
        trainer.callbacks.append(recorder)
    try:
        yield
    except BaseException:
        recorder.series.values.finish_later()
        raise
    finally:
        profiled.end(trainer)
        if not told:
            # Lightning may have put another list there meanwhile.
            trainer.callbacks = [each for each in trainer.callbacks if each is not recorder]
        if recorder.first_call is not None:
            recorder.first_call.forget()


def _begin(call: Call, trainer: Any) -> Any:
    """Record what is known before; what only the prepared trainer knows, the recorder adds."""
    run, model = call.run, call.arguments.get("model")
    name = {Tags.RUN_NAME: type(model).__name__} if call.opened and model is not None else {}
    run.set_tags({**name, MODE: "training"})
    known = params.Params(run)
    data = (call.arguments.get("datamodule"), call.arguments.get("train_dataloaders"))
    for each in params.hyperparameters(model, *data):
        known.log(each, "data")
    resumed = call.arguments.get("ckpt_path")
    if resumed is not None:
        known.log({"ckpt_path": resumed}, "trainer")
    # A logger of ours gets the metrics from Lightning, as often as the user told Lightning.
    mine = any(isinstance(each, ExplicitLogger) for each in trainer.loggers)
    recorder: Recorder = package.built_on_package_of(trainer).StenoRecorder(run, call.options, known, metrics=not mine)
    return recorder


def _after(call: Call, trainer: Any, recorder: Any) -> None:
    """Record the data and the model, once the user has what he waited for."""
    model = trainer.lightning_module
    origin.remember(model, call.run.run_id)
    if call.options.log_datasets:
        _log_data(call, trainer)
    sample = recorder.first_call.sample() if recorder.first_call is not None else None
    keeping.keep(call, trainer, model, sample)
    keeping.keep_checkpoints(call, trainer)


def _log_data(call: Call, trainer: Any) -> None:
    """Describe data that lies in tensors; of any other only the type is told, because asking it would run it."""
    for context_name, loaders in (("train", trainer.train_dataloader), ("eval", trainer.val_dataloaders)):
        dataset = getattr(loaders, "dataset", None)
        tensors = getattr(dataset, "tensors", None)
        features, targets = dataset, None
        if isinstance(tensors, tuple) and 1 <= len(tensors) <= 2:
            features, targets = tensors[0], tensors[1] if len(tensors) == 2 else None
        if features is not None:
            call.run.log_input(describe_data(features, targets, context_name))


def _is_trial(trainer: Any) -> bool:
    """Whether this is the trial of a `Tuner`, which looks for a learning rate or batch size and trains nothing."""
    return any(getattr(each, "_early_exit", False) for each in trainer.callbacks)


@contextmanager
def writing_to(logger: ExplicitLogger | None) -> Iterator[None]:
    """Let the run of a logger of ours be the active one, so that all goes into one."""
    active = logger.active if logger is not None else None
    if active is None or active is context.active_run():
        yield
        return
    context.push(active)
    try:
        yield
    finally:
        context.remove(active)
