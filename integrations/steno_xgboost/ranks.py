"""Several processes or threads that train one model give one run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from xgboost import collective

_clusters = 0


def tells_here() -> bool:
    """Whether this is the one that records: the first of those that train together, unless their client does."""
    return not collective.is_distributed() or (collective.get_rank() == 0 and not _clusters)


@contextmanager
def client_tells() -> Iterator[None]:
    """Let the client of a cluster record: its workers may be threads of this process."""
    global _clusters
    _clusters += 1
    try:
        yield
    finally:
        _clusters -= 1
