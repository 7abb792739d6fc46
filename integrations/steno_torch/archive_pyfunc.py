"""Lets MLflow load a state dict model as a function, where steno is installed: it calls `_load_pyfunc`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from steno.models import load_pyfunc


def _load_pyfunc(path: str, model_config: Mapping[str, Any] | None = None) -> Any:
    """Return the model whose data lies at a path. Raises: UntrustedTypes, ModelError."""
    return load_pyfunc(Path(path).parent, model_config=model_config, suppress_warnings=True)
