"""Which models are in a recorded training now: so that a `StenoCallback` beside it does not record it again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_runs: dict[int, str] = {}


@contextmanager
def recording(model: Any, run_id: str) -> Iterator[None]:
    """Say that autologging records the training of a model to a run while the body lasts."""
    _runs[id(model)] = run_id
    try:
        yield
    finally:
        _runs.pop(id(model), None)


def run_of(model: Any) -> str | None:
    """Return the run to which autologging records the model's training now, None if it does not."""
    return _runs.get(id(model))
