"""Training by `partial_fit`: one run from the second call on, each call a step."""

from __future__ import annotations

import weakref
from collections.abc import Generator
from time import perf_counter
from typing import Any

from steno.autolog import provenance
from steno.autolog.describe import describe_data
from steno.autolog.session import Session
from steno.contracts.integration import Call

from steno_sklearn import metrics
from steno_sklearn.asking import asking
from steno_sklearn.data import Data
from steno_sklearn.metrics import PREFIX
from steno_sklearn.params import params_of, tags_of


class _Stepping:
    """How far an estimator has come.

    Attributes:
        calls: How often `partial_fit` was called.
        samples: How many samples it has seen.
        session: Where they are recorded, from the second on.
    """

    __slots__ = ("calls", "samples", "session")

    def __init__(self) -> None:
        self.calls = self.samples = 0
        self.session: Session | None = None


_steppings: dict[int, tuple[weakref.ref[Any], _Stepping]] = {}


def partial_fit(call: Call) -> Generator[None, Any, None]:
    """Count the call, and record it if it is not the estimator's first: a single one is no training loop."""
    data = Data.of(call.arguments)
    yield
    stepping = _stepping_of(call.instance)
    if stepping is None:
        return
    stepping.calls += 1
    stepping.samples += data.rows if data is not None else 0
    if stepping.calls < 2:
        return
    session = stepping.session
    if session is None or session.ended:
        session = stepping.session = _open(call, data)
    session.run.log_metric("samples_seen", float(stepping.samples), stepping.calls)
    if data is not None and session.allowed_s() > 0 and call.options.training_metrics is not False:
        _score(session, call, data, stepping.calls)
    session.touch()


def _score(session: Session, call: Call, data: Data, step: int) -> None:
    """Score the batch; its time counts against all calls, since a loop has many of them."""
    began, allowed_ms = perf_counter(), session.allowed_s() * 1000.0
    try:
        with asking(call.instance):
            found = metrics.evaluate(call.instance, data, allowed_ms, call.options.extra.get("pos_label"))
    except Exception:  # advice: a model that cannot predict its batch has no training metrics
        return
    finally:
        session.overhead_s += perf_counter() - began
    session.run.log_metrics({f"{PREFIX}{name}": value for name, value in found.values.items()}, step)


def _open(call: Call, data: Data | None) -> Session:
    """Use the user's run, or begin one that ends with the estimator or the process."""
    session = Session("sklearn", type(call.instance).__name__)
    weakref.finalize(call.instance, session.end_later).atexit = False
    run = session.run
    run.set_tags(tags_of(call.instance))
    run.log_params(params_of(call.instance))
    if data is not None and call.options.log_datasets:
        run.log_input(describe_data(data.X, data.y, context="train"))
    active = getattr(run, "active", None)
    if active is not None:
        provenance.remember_model(call.instance, provenance.Origin(active))
    return session


def _stepping_of(model: Any) -> _Stepping | None:
    key = id(model)
    found = _steppings.get(key)
    if found is None:
        try:
            reference = weakref.ref(model, lambda gone: _steppings.pop(key, None))
        except TypeError:  # a class whose slots have no room for it
            return None
        found = _steppings.setdefault(key, (reference, _Stepping()))
    return found[1]


def forget(model: Any) -> None:
    """Begin anew: the estimator is being fitted as a whole."""
    found = _steppings.pop(id(model), None)
    if found is not None and found[1].session is not None:
        found[1].session.end()
