"""The state dict archive: `model.safetensors` with every tensor, and `model.json`, which says how to rebuild."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import torch
from msgspec import Struct
from steno.errors import ModelError
from steno.models.layout import member

from steno_torch import archive_rebuild
from steno_torch.archive_tree import Description, NotData, bare, is_plain, state_of

WEIGHTS = "model.safetensors"
DESCRIPTION = "model.json"
_VERSION = 1
_PARAMETER, _TENSOR = "parameter", "tensor"
# What a damaged or hostile description makes the reader, or a class of the user's, raise.
_FAULTS = (
    AttributeError,
    ImportError,
    LookupError,
    MemoryError,
    OverflowError,
    RecursionError,
    RuntimeError,
    StopIteration,
    TypeError,
    ValueError,
)


class Taken(Struct):
    """What is written of a module: its tensors, and how to rebuild it.

    Attributes:
        name: The module's class.
        tensors: By name.
        tree: The description, None if there can be none.
        why: Why there is none.
        tied: Further names in the state dict of tensors that several places share.
        beside: Names that are not in the state dict.
    """

    name: str
    tensors: dict[str, torch.Tensor]
    tree: dict[str, Any] | None
    why: str | None
    tied: dict[str, str]
    beside: list[str]

    @property
    def size_bytes(self) -> int:
        """The memory of all tensors."""
        return sum(tensor.numel() * tensor.element_size() for tensor in self.tensors.values())


def take(module: torch.nn.Module) -> Taken:
    """Return what is to be written; the tensors are the module's own, so write or copy them before it goes on.

    Raises:
        ModelError: Its weights are not all here, or not in a form that this archive has.
    """
    module = bare(module)
    name = f"{type(module).__module__}.{type(module).__qualname__}"
    try:
        found = Description(module)
    except (NotData, RecursionError) as error:
        return Taken(name, _weights(module, name), None, str(error), {}, [])
    return Taken(name, found.tensors, found.tree, None, found.tied, found.beside)


def _weights(module: torch.nn.Module, name: str) -> dict[str, torch.Tensor]:
    # A program of TorchScript keeps its tensors out of reach otherwise, and has no hooks.
    scripted = isinstance(module, torch.jit.ScriptModule)
    tensors = dict(module.state_dict() if scripted else state_of(module))
    if odd := next((key for key, tensor in tensors.items() if not is_plain(tensor)), None):
        raise ModelError(
            f"{name} cannot be written as a state dict: {odd!r} is a {type(tensors[odd]).__name__}, no plain tensor. "
            "Run a lazy module once, gather one that is spread over processes, or save it with "
            "serialization_format='pickle'."
        )
    return tensors


def write(taken: Taken, folder: Path) -> None:
    """Write both files into an existing folder. Raises: ModelError if a tensor has no place in them."""
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    description = {
        "version": _VERSION,
        "class": taken.name,
        "why_not": taken.why,
        "tensors": {name: [_kind(tensor), tensor.requires_grad] for name, tensor in taken.tensors.items()},
        "tied": taken.tied,
        "beside": taken.beside,
        "module": taken.tree,
    }
    (folder / DESCRIPTION).write_text(json.dumps(description), "utf-8")
    try:
        save_file(_apart(taken.tensors), folder / WEIGHTS, {"format": "pt"})
    except (ValueError, KeyError, TypeError, NotImplementedError, RuntimeError, SafetensorError) as error:
        raise ModelError(
            f"{taken.name} cannot be written as a state dict: {error}. Save it with serialization_format='pickle', "
            "or leave that tensor out."
        ) from error


def rebuilds(folder: Path) -> bool:
    """Return whether it says how to rebuild the module. Raises: ModelError."""
    return _description(folder)["module"] is not None


def untrusted(folder: Path) -> frozenset[str]:
    """Return the names beyond PyTorch's own that rebuilding needs. Raises: ModelError."""
    tree = _description(folder)["module"]
    return frozenset() if tree is None else archive_rebuild.untrusted(tree)


def load(folder: Path, trusted: Collection[str], where: str) -> torch.nn.Module:
    """Return the module on the CPU. Raises: UntrustedTypes, ModelError if it cannot be rebuilt."""
    description = _description(folder)
    if description["module"] is None:
        raise ModelError(
            f"{where} holds the weights of {description['class']}, but not how to rebuild it: "
            f"{description['why_not']}. Make an instance of your own and load them into it: "
            "module.load_state_dict(steno.pytorch.load_state_dict(model_uri))"
        )
    tensors = _tensors(folder, where)
    try:
        kinds = description["tensors"]
        ready = {name: _as(tensor, *kinds[name]) for name, tensor in tensors.items()}
        return archive_rebuild.rebuilt(description["module"], ready, trusted, where)
    except _FAULTS as error:
        raise ModelError(f"{where} cannot be rebuilt: {type(error).__name__}: {error}") from error


def state_dict(folder: Path, where: str) -> dict[str, torch.Tensor]:
    """Return the tensors by their names in the module's state dict. Raises: ModelError."""
    description, tensors = _description(folder), _tensors(folder, where)
    try:
        found = {name: tensor for name, tensor in tensors.items() if name not in description["beside"]}
        return {**found, **{name: tensors[other] for name, other in description["tied"].items()}}
    except _FAULTS as error:
        raise ModelError(f"{where} is damaged: {type(error).__name__}: {error}") from error


def _kind(tensor: torch.Tensor) -> str:
    return _PARAMETER if isinstance(tensor, torch.nn.Parameter) else _TENSOR


def _as(tensor: torch.Tensor, kind: str, requires_grad: bool) -> torch.Tensor:
    if kind == _PARAMETER:
        return torch.nn.Parameter(tensor, requires_grad=bool(requires_grad))
    return tensor.requires_grad_(bool(requires_grad))


def _apart(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return tensors as the file takes them: on the CPU, contiguous, each with a memory of its own."""
    taken: set[int] = set()
    found = {}
    for name, tensor in tensors.items():
        plain = tensor.detach().cpu().contiguous()
        memory = plain.untyped_storage()
        if memory.data_ptr() in taken or memory.nbytes() != plain.numel() * plain.element_size():
            plain = plain.clone()
        taken.add(plain.untyped_storage().data_ptr())
        found[name] = plain
    return found


def _tensors(folder: Path, where: str) -> dict[str, torch.Tensor]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(member(folder, WEIGHTS), framework="pt", device="cpu") as file:
            # Copies: the file may go, or shrink, while the model is in use.
            return {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118 - no mapping
    except (SafetensorError, OSError, *_FAULTS) as error:
        raise ModelError(f"{where} is no sound safetensors file: {error}") from error


def _description(folder: Path) -> dict[str, Any]:
    path = member(folder, DESCRIPTION)
    try:
        found = json.loads(path.read_text("utf-8"))
        version, needed = found["version"], {"class", "why_not", "tensors", "tied", "beside", "module"}
    except (OSError, *_FAULTS) as error:
        raise ModelError(f"{path.name} of model {folder.parent} is no sound description: {error}") from error
    if version != _VERSION:
        raise ModelError(f"model {folder.parent} is described in version {version!r}, and {_VERSION} is known")
    if missing := needed - set(found):
        raise ModelError(f"{path.name} of model {folder.parent} lacks {', '.join(sorted(missing))}")
    tree: dict[str, Any] = found
    return tree
