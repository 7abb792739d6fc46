"""`StenoLogger` for whichever of the two packages is installed."""

from __future__ import annotations

from typing import Any


def __getattr__(name: str) -> Any:
    if name != "StenoLogger":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from steno_lightning.package import installed

    return installed().StenoLogger
