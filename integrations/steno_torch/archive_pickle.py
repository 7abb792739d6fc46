"""The whole module as a pickle, in MLflow's layout: written on request, read only as far as its imports are trusted."""

from __future__ import annotations

import io
import pickle
from collections.abc import Collection
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from steno.errors import ModelError, UntrustedTypes
from steno.models import pickles
from steno.models.layout import member

from steno_torch.archive_allowed import pickled, unchanged
from steno_torch.archive_tree import bare

FILE = "model.pth"
SCRIPTED = "torch.jit.load"
_MODULE_INFO = "pickle_module_info.txt"
# MLflow's reader imports the module named in that file to unpickle with, and knows this one.
_MLFLOW_READER = "mlflow.pytorch.pickle_module"
_ZIP = b"PK\x03\x04"


def write(module: Any, folder: Path) -> None:
    """Write the module into an existing folder. Raises: ModelError."""
    module = bare(module)
    try:
        if isinstance(module, torch.jit.ScriptModule):
            torch.jit.save(module, folder / FILE)
        else:
            torch.save(module, folder / FILE)
    except (pickle.PicklingError, TypeError, AttributeError, RecursionError, RuntimeError) as error:
        raise ModelError(
            f"{type(module).__name__} cannot be pickled: {error}. Define its parts at the top of a module, or save "
            "its state dict (serialization_format='state_dict', the default)."
        ) from error
    (folder / _MODULE_INFO).write_text(_MLFLOW_READER, "utf-8")


def untrusted(folder: Path, where: str) -> frozenset[str]:
    """Return the names that loading needs beyond PyTorch's own. Raises: ModelError if they cannot be told."""
    return _needed(_content(folder, where), where) - pickled()


def load(folder: Path, trusted: Collection[str], where: str) -> Any:
    """Return the module on the CPU. Raises: UntrustedTypes, ModelError."""
    content = _content(folder, where)
    needed = _needed(content, where)
    if unknown := needed - pickled() - set(trusted):
        raise UntrustedTypes(where, unknown)
    try:
        if needed == {SCRIPTED}:
            return torch.jit.load(io.BytesIO(content), map_location="cpu")
        reader = _reader(pickled() | set(trusted), where)
        with unchanged():
            return torch.load(io.BytesIO(content), map_location="cpu", pickle_module=reader, weights_only=False)
    except (ModelError, MemoryError):
        raise
    except Exception as error:  # a damaged file, or a class of the user's, raises anything
        raise ModelError(f"{where} cannot be loaded: {type(error).__name__}: {error}") from error


def checkpoint(path: Path) -> Any:
    """Return what a plain checkpoint holds, if that is data only. Raises: ModelError."""
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, OSError, EOFError, ValueError, TypeError, LookupError) as error:
        raise ModelError(f"{path.name} is no checkpoint that holds data only: {error}") from error


def records(content: bytes, where: str) -> Any:
    """Open an archive with the very reader that PyTorch will use, so that both see the same. Raises: ModelError."""
    if not content.startswith(_ZIP):
        raise ModelError(f"{where} is no archive of PyTorch 1.6 or later; nothing of it was executed")
    try:
        return torch._C.PyTorchFileReader(io.BytesIO(content))
    except (RuntimeError, UnicodeDecodeError) as error:  # a stranger's bytes may be taken for a name
        raise ModelError(f"{where} is no sound archive: {error}") from error


def imports(content: bytes, where: str) -> frozenset[str]:
    """Return what the pickle in an archive imports; nothing is executed. Raises: ModelError."""
    archive = records(content, where)
    try:
        return pickles.imports(archive.get_record("data.pkl"), where, persistent=True)
    except RuntimeError as error:
        raise ModelError(f"{where} is no sound archive: {error}") from error


def _content(folder: Path, where: str) -> bytes:
    path = member(folder, FILE)
    if not path.is_file():
        raise ModelError(f"{where} is a folder")
    return path.read_bytes()


def _needed(content: bytes, where: str) -> frozenset[str]:
    if "constants.pkl" in records(content, where).get_all_records():
        return frozenset({SCRIPTED})  # TorchScript: a program of its own, to be trusted as a whole
    return imports(content, where)


def _reader(admitted: Collection[str], where: str) -> Any:
    """Return what `torch.load` unpickles with: resolves nothing but what is admitted."""

    class Reader(pickle.Unpickler):
        def find_class(self, module_name: str, global_name: str, /) -> Any:
            name = f"{module_name}.{global_name}"
            if name not in admitted:
                raise UntrustedTypes(where, [name])
            return super().find_class(module_name, global_name)

    def load(file: Any, **options: Any) -> Any:
        return Reader(file, **options).load()

    return SimpleNamespace(Unpickler=Reader, load=load, __name__=__name__)
