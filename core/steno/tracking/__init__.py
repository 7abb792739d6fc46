"""A run while it is alive: the active run, its journal and writer, and the client."""

from __future__ import annotations

from typing import Any


def __getattr__(name: str) -> Any:
    if name in ("Client", "MlflowClient"):
        from steno.tracking import client

        return getattr(client, name)
    raise AttributeError(f"module 'steno.tracking' has no attribute {name!r}")
