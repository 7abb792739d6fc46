"""How a fitted model is asked for predictions and scores without the user's process showing it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from joblib import parallel_backend
from steno.autolog.quiet import quiet


@contextmanager
def asking(model: Any) -> Iterator[None]:
    """Let nothing be seen of what a model does when asked, not of what its own threads print either."""
    # joblib tells of its progress from whatever thread a task ended in; without others there is only this one.
    alone: AbstractContextManager[Any] = parallel_backend("sequential") if _talks(model) else nullcontext()
    with quiet(), alone:
        yield


def _talks(model: Any) -> bool:
    """Whether the model, or a part of it, was told to tell of its progress."""
    try:
        params = model.get_params(deep=True)
    except Exception:  # advice: a model of the user's own need not know its params
        return False
    return any(name.rpartition("__")[2] == "verbose" and bool(value) for name, value in params.items())
