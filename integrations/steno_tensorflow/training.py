"""What is recorded round `Model.fit`."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any

import keras
from steno.autolog import provenance
from steno.autolog.quiet import quiet
from steno.contracts.integration import Call, Options, Run
from steno.tracking.deferred import deferred

from steno_tensorflow import checkpoints, data, keeping, params
from steno_tensorflow.attach import attached, callbacks_of
from steno_tensorflow.recorder import BatchRecorder, Recorder, left_out, numbers
from steno_tensorflow.recording import recording

SUMMARY = "model_summary.txt"
_SMALL = 50  # layers of which a summary takes a few milliseconds


def fit(call: Call) -> Generator[None, Any, None]:
    """Record one training."""
    run, model, arguments = call.run, call.instance, call.arguments
    callbacks = callbacks_of(call)
    stopping = params.stopping_of(callbacks)
    _before(call, stopping)
    recorder = _recorder(run, call.options)
    with recording(model, run.run_id), attached(call, recorder) as looking, deferred.training():
        result = yield
    if not looking:
        _from_history(run, recorder, result)
    if stopping is not None:
        params.log_stopping(run, stopping, recorder.history)
    _tell_validation(run, recorder.history)
    log_summary(call, run, model)
    keeping.keep(run, call.options, model, arguments.get("x"), call.seconds, fresh=call.opened)
    active = getattr(run, "active", None)
    if active is not None:
        provenance.remember_model(model, provenance.Origin(active))


def _recorder(run: Run, options: Options) -> Recorder:
    """MLflow's `log_every_epoch=False` gives steps in place of epochs; `every_n_steps` above 1 gives both."""
    epochs = bool(options.extra.get("log_every_epoch", True))
    recorder = Recorder(run) if epochs and options.every_n_steps == 1 else None
    if recorder is None:
        recorder = BatchRecorder(run, options.every_n_steps, epochs=epochs)
    recorder.checkpoints = checkpoints.wanted(run, options.extra)
    return recorder


def _before(call: Call, stopping: Any) -> None:
    """Record what is known before the fit, so that a failed one has it too."""
    run, arguments = call.run, call.arguments
    run.log_params(params.fit_params(arguments))
    params.log_optimizers(run, call.instance)
    if stopping is not None:
        run.log_params(params.stopping_params(stopping))
    if not call.options.log_datasets:
        return
    _describe(run, arguments.get("x"), arguments.get("y"), "train")
    if arguments.get("validation_data") is not None:
        _describe(run, *data.split(arguments["validation_data"]), "eval")


def _describe(run: Run, x: Any, y: Any, context: str) -> None:
    if x is None:
        return
    try:
        run.log_input(data.describe(x, y, context))
    except Exception as error:  # advice: data of a strange make
        left_out(run, f"dataset {context}", error)


def _from_history(run: Run, recorder: Recorder, result: Any) -> None:
    """Take from what `fit` returns what could not be seen on the way."""
    if not isinstance(result, keras.callbacks.History):
        return
    for index, epoch in enumerate(result.epoch):
        logs = {name: values[index] for name, values in result.history.items() if index < len(values)}
        recorder.history[epoch] = values = numbers(run, logs)
        run.log_metrics(values, step=epoch)


def _tell_validation(run: Run, history: Mapping[int, Mapping[str, float]]) -> None:
    """MLflow's other name for the last validation: `validation_loss` beside the series `val_loss`."""
    if history:
        last = history[max(history)]
        run.log_metrics({f"validation_{k[4:]}": value for k, value in last.items() if k.startswith("val_")})


def log_summary(call: Call | None, run: Run, model: Any) -> None:
    """Record the model's summary as Keras prints it. A large model's waits for what the budget allows."""
    try:
        if call is None or len(model.layers) <= _SMALL:
            text: str | None = summary_of(model)
        else:
            text = call.budget.spend("summary", lambda: summary_of(model))
    except Exception as error:  # advice: a model that was never built has no summary
        left_out(run, SUMMARY, error)
        return
    if text:
        run.log_file(SUMMARY, text.encode())


def summary_of(model: Any) -> str:
    """Return the summary, printed nowhere."""
    lines: list[str] = []
    with quiet():
        model.summary(print_fn=lambda line, line_break=None: lines.append(line))
    return "\n".join(lines)
