"""How a trained model is held until it is written: as the text of LightGBM's own format."""

from __future__ import annotations

import copy
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from steno.autolog import keeping
from steno.autolog.keeping import MOST_BYTES, Sample, Snapshot
from steno.autolog.quiet import quiet
from steno.contracts.integration import Call

from steno_lightgbm.text_model import TextModel

PATH = "model"
_texts: ContextVar[list[Any] | None] = ContextVar("steno_lightgbm_texts", default=None)


def to_text(call: Call) -> Generator[None, Any, None]:
    """See the text that a booster gives of itself: LightGBM asks for it as a training ends, which takes a while."""
    text = yield
    latest = _texts.get()
    if latest is not None and not call.args and not call.kwargs:
        latest[:] = call.instance, text


@contextmanager
def latest_text() -> Iterator[list[Any]]:
    """Give a list that has the booster and its text that were seen last, once the body is over."""
    latest: list[Any] = []
    before = _texts.set(latest)
    try:
        yield latest
    finally:
        _texts.reset(before)


def keep(call: Call, model: Any, sample: Sample | None, text: str | None = None) -> None:
    """Record a trained booster or wrapper, of which the text may be known; what cannot be kept is told in a tag."""
    if not call.options.log_models:
        return
    try:
        restore, size_bytes, options = _snapshot(call, model, text)
    except Exception as error:  # advice: LightGBM may refuse, and so may a class of the user's
        keeping.not_kept(call.run, PATH, f"{type(error).__name__}: {error}")
        return
    if size_bytes > MOST_BYTES:
        keeping.not_kept(call.run, PATH, f"larger than {MOST_BYTES >> 20} MB; steno.log_model keeps it")
        return
    snapshots = {PATH: Snapshot(restore, size_bytes, flavor="lightgbm", options=options)}
    keeping.keep(call.run, call.options, snapshots, sample, fresh=call.opened)


def _snapshot(call: Call, model: Any, text: str | None) -> tuple[Callable[[], Any], int, dict[str, Any]]:
    """Return what gives the model as it is now, whatever the user does with it, the bytes that holds, and options."""
    if not hasattr(model, "booster_"):
        kept = TextModel(text or model.model_to_string(), type(model))
        return lambda: kept, len(kept.text), {}
    form = call.options.extra.get("serialization_format")
    options = {"serialization_format": form} if form else {}
    return *wrapper_snapshot(model), options


def wrapper_snapshot(model: Any) -> tuple[Callable[[], Any], int]:
    """Return what gives a wrapper as it is now, and the bytes that holds."""
    booster = model.booster_
    kind: Any = type(booster)
    state = booster.__getstate__()  # as pickle asks: the trees are a text in it
    twin = copy.copy(model)
    twin._other_params = dict(model._other_params)

    def restore() -> Any:
        with quiet():
            twin._Booster = kind.__new__(kind)
            twin._Booster.__setstate__(dict(state))
        return twin

    return restore, len(state["_handle"])
