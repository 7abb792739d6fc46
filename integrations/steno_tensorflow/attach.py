"""Puts a callback of ours beside the user's, for the time of one call."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
from steno.contracts.integration import Call


@contextmanager
def attached(call: Call, callback: Any) -> Iterator[bool]:
    """Let a callback look on, after all of the user's; tells whether it could be put there.

    The user's own list or tuple stays as it is. Only a `CallbackList` that the user made, which Keras uses as it is
    given, holds the callback until the call is over.
    """
    arguments = call.arguments
    given = arguments.get("callbacks")
    if isinstance(given, keras.callbacks.CallbackList):
        callback.set_model(call.instance)
        callback.set_params(getattr(given, "params", None) or {})
        given.callbacks.append(callback)
        try:
            yield True
        finally:
            given.callbacks[:] = [each for each in given.callbacks if each is not callback]
    elif "callbacks" not in arguments or list(arguments).index("callbacks") < len(call.args):
        yield False  # the call is about to fail, or has them in a place that cannot be exchanged
    else:
        call.kwargs["callbacks"] = _beside(given, callback)
        yield True


def _beside(given: Any, callback: Any) -> Any:
    if not given:
        return [callback]
    if isinstance(given, list | tuple):
        return [*given, callback]
    # Keras flattens what it is given, but asks only the members of a list whether they want every batch at once
    # (3.15, `CallbackList._configure_async_dispatch`): a single callback in a list would be called otherwise.
    return {"0": given, "1": callback}


def callbacks_of(call: Call) -> list[Any]:
    """Return the user's callbacks, however they were given."""
    given = call.arguments.get("callbacks")
    if isinstance(given, keras.callbacks.CallbackList):
        return list(given.callbacks)
    try:
        return list(keras.tree.flatten(given)) if given else []
    except Exception:  # advice: what Keras cannot flatten either
        return []
