"""`steno.pytorch.load_state_dict`: the weights of a model alone, for an instance of the user's own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from steno.errors import ModelError
from steno.models.layout import MLMODEL, member
from steno.models.manifest import Manifest
from steno.tracking.models import local_folder

from steno_torch import archive_pickle, archive_state
from steno_torch.flavor import flavor, found

_MLFLOW_STATE = "state_dict.pth"  # what its `log_state_dict` leaves, in a folder of its own


def load_state_dict(model_uri: str | Path, dst_path: str | Path | None = None) -> dict[str, Any]:
    """Return the weights of a logged model, or of a checkpoint file, on the CPU; no code of its runs.

    Args:
        model_uri: A model ("runs:/<run_id>/model", "models:/<name>/<version>", a folder), or a `.pt`, `.pth` or
            `.ckpt` file, of which only what is plain data is read. Lightning's checkpoints give their `state_dict`.
        dst_path: Where a remote model is to be kept.

    Raises:
        ModelError: It has no weights that can be read without running code; the message names the remedy.

    Example:
        module.load_state_dict(steno.pytorch.load_state_dict("runs:/<run_id>/model"))
    """
    path = Path(model_uri)
    if path.is_file():
        return _of_checkpoint(archive_pickle.checkpoint(path), path)
    folder = local_folder(model_uri, dst_path)
    if not (folder / MLMODEL).exists() and (folder / _MLFLOW_STATE).is_file():
        return _of_checkpoint(archive_pickle.checkpoint(member(folder, _MLFLOW_STATE)), folder / _MLFLOW_STATE)
    section = Manifest.read(folder).flavors.get(flavor.name, {})
    form, data, where = found(folder, section)
    if form == "state_dict":
        return archive_state.state_dict(data, where)
    raise ModelError(f"{where} holds no state dict by itself: load_model gives the module, and that its state_dict()")


def _of_checkpoint(content: Any, path: Path) -> dict[str, Any]:
    weights = content.get("state_dict", content) if isinstance(content, Mapping) else content
    if not isinstance(weights, Mapping) or not any(isinstance(each, torch.Tensor) for each in weights.values()):
        raise ModelError(f"{path.name} is no checkpoint with a state dict")
    return dict(weights)
