"""What steno raises, under the module name MLflow's users know; `steno.errors` has the whole tree."""

from __future__ import annotations

from steno.errors import MlflowException, StenoError

__all__ = ["MlflowException", "StenoError"]
