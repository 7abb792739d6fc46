"""What is to be said of a model that is kept unasked: it goes to the run, and not into the user's terminal."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_remarks: ContextVar[list[str] | None] = ContextVar("steno_model_remarks", default=None)


@contextmanager
def gathered() -> Iterator[list[str]]:
    """Give the warnings that saving a model logs on this thread while the body runs; nobody else hears them."""
    remarks: list[str] = []
    before = _remarks.set(remarks)
    try:
        yield remarks
    finally:
        _remarks.reset(before)


def _aside(record: logging.LogRecord) -> bool:
    remarks = _remarks.get()
    if remarks is None:
        return True
    remarks.append(record.getMessage())
    return False


logging.getLogger("steno.models").addFilter(_aside)
