"""What is recorded round a fit: params before, metrics, curves and the model after."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from steno.autolog import provenance
from steno.autolog.describe import describe_data
from steno.autolog.keeping import Sample
from steno.contracts.integration import Call
from steno.tracking.deferred import deferred

from steno_sklearn import curves, importances, keeping, metrics, stepping
from steno_sklearn.asking import asking
from steno_sklearn.data import Data
from steno_sklearn.metrics import PREFIX, Training
from steno_sklearn.params import params_of, tags_of

EXTENT = "steno.training_metrics"
HTML = "estimator.html"
_HTML_MS = 150.0
_LEAST_MS = 5.0  # small data is scored whole, also where the first fit of a process has spent the budget on imports


def silent(call: Call) -> Generator[None, Any, None]:
    """Record nothing: preparing data is no training, and what is fitted inside is part of it."""
    yield


def fit(call: Call) -> Generator[None, Any, None]:
    """Record a fit of one estimator, whatever it fits inside."""
    data = before(call)
    with deferred.training():
        result = yield
    after(call, data, {"model": call.instance})
    origin = provenance.origin_of(call.instance)
    if origin is not None and result is not call.instance:  # the labels of fit_predict
        provenance.remember_prediction(result, origin)


def before(call: Call, *, deep: bool = True) -> Data | None:
    """Record what is known before the fit, so that a failed one has it too; the data is looked at unchanged."""
    run = call.run
    stepping.forget(call.instance)
    run.set_tags(tags_of(call.instance))
    run.log_params(params_of(call.instance, deep=deep))
    data = Data.of(call.arguments)
    if data is not None and call.options.log_datasets:
        run.log_input(describe_data(data.X, data.y, context="train"))
    return data


def after(call: Call, data: Data | None, models: dict[str, Any]) -> None:
    """Record what a fitted model shows; `models` by artifact path, the fitted one under "model"."""
    model = call.instance
    training = _training(call, model, data)
    call.run.log_metrics({f"{PREFIX}{name}": value for name, value in training.values.items()})
    for path, content in curves.files(training).items():
        call.run.log_file(path, content)
    said = call.budget.spend(f"importances {type(model).__name__}", lambda: importances.file(model) or b"")
    if said:
        call.run.log_file(importances.PATH, said)
    if call.options.log_models:
        keeping.keep(call, models, _sample(call, model, data, training))
    if call.budget.allows(HTML, _HTML_MS):
        call.run.log_file(HTML, _html(model))
    active = getattr(call.run, "active", None)
    if active is not None:
        origin = provenance.Origin(active)
        for each in models.values():
            link(each, origin)


def link(model: Any, origin: provenance.Origin) -> None:
    """Let later metrics of this model find their run."""
    provenance.remember_model(model, origin)
    labels = vars(model).get("labels_") if hasattr(model, "__dict__") else None
    if labels is not None:
        provenance.remember_prediction(labels, origin)


def _training(call: Call, model: Any, data: Data | None) -> Training:
    wanted = call.options.training_metrics
    # An estimator that may write into X has no training data left to be scored on.
    if data is None or wanted is False or getattr(model, "copy_X", True) is False:
        return Training()
    allowed_ms = float("inf") if wanted == "full" else max(call.budget.remaining_ms(), _LEAST_MS)
    with asking(model):
        try:
            training = metrics.evaluate(model, data, allowed_ms, call.options.extra.get("pos_label"))
        except Exception:  # advice: a model that cannot predict what it was trained on has no training metrics
            return Training()
    predictions = training.predictions
    if predictions is not None:
        rows, total = predictions.data.rows, data.rows
        call.run.set_tags({EXTENT: "exact" if rows == total else f"sampled {rows} of {total}"})
    return training


def _sample(call: Call, model: Any, data: Data | None, training: Training) -> Sample | None:
    """Return the first rows with their predictions, which cost a prediction where none was made."""
    if data is None or not (call.options.log_model_signatures or call.options.log_input_examples):
        return None
    predictions = training.predictions
    try:
        if predictions is not None:
            return keeping.sample_of(predictions.data.X, predictions.labels)
        rows = keeping.sample_of(data.X, None).inputs
        with asking(model):
            labels = model.predict(rows) if hasattr(model, "predict") else None
        return Sample(rows, labels)
    except Exception:  # advice: a model is kept without its signature rather than not at all
        return None


def _html(model: Any) -> bytes:
    from sklearn.utils import estimator_html_repr

    return str(estimator_html_repr(model)).encode()
