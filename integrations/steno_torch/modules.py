"""What a module is, in words and numbers, and a copy of it that its training cannot change."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import torch
from msgspec.structs import replace
from steno.autolog.keeping import MOST_BYTES, Snapshot
from steno.errors import ModelError

from steno_torch import archive_state
from steno_torch.archive_state import Taken
from steno_torch.archive_tree import bare

FLAVOR = "pytorch"
AT_ONCE_BYTES = 64 << 10  # such a model is written within some milliseconds
SUMMARY_ROWS = 500
_WRITER = "safetensors.torch"
_MB = 1 << 20


def unwrapped(module: torch.nn.Module) -> torch.nn.Module:
    """Return the module inside `torch.compile`, DataParallel and DistributedDataParallel."""
    found: torch.nn.Module = bare(module)
    return found


def snapshot(module: torch.nn.Module) -> Snapshot:
    """Return the module as it is now, ready for `keeping.keep`. The module is only read.

    Tensors are copied to the host, with one wait for each device; small modules are not copied but written at once.
    One that is larger than steno keeps is refused, which `keep` then says on the run. What compiles a module or
    spreads it over processes is taken off.
    """
    taken = archive_state.take(module)
    size_bytes = taken.size_bytes
    if size_bytes > MOST_BYTES:
        return Snapshot(lambda: _refuse(taken.name, size_bytes), at_once=True, flavor=FLAVOR)
    # The first model imports what writes it, which takes longer than many a training.
    is_near = all(tensor.device.type == "cpu" for tensor in taken.tensors.values())
    if size_bytes <= AT_ONCE_BYTES and _WRITER in sys.modules and is_near:
        return Snapshot(lambda: taken, size_bytes, at_once=True, flavor=FLAVOR)
    copied = replace(taken, tensors=_on_host(taken.tensors))
    return Snapshot(lambda: copied, size_bytes, flavor=FLAVOR)


def describe(module: torch.nn.Module) -> dict[str, str]:
    """Return what a run's params say of a module."""
    module = unwrapped(module)
    parameters = [each for each in module.parameters() if _is_sized(each)]
    held = [*parameters, *(each for each in module.buffers() if _is_sized(each))]
    return {
        "model": type(module).__name__,
        "n_parameters": str(sum(each.numel() for each in parameters)),
        "n_trainable": str(sum(each.numel() for each in parameters if each.requires_grad)),
        "size_mb": f"{sum(map(_bytes, held)) / _MB:.4g}",
    }


def summary(module: torch.nn.Module) -> str:
    """Return a table of a module's layers, and their sum; of a very large one, the first layers."""
    module = unwrapped(module)
    rows = [("layer", "class", "parameters", "trainable", "size (MB)")]
    layers = list(_layers(module))
    rows += [_row(name, layer) for name, layer in layers[:SUMMARY_ROWS]]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(_cells(row, widths)).rstrip() for row in rows]
    lines.insert(1, "-" * (sum(widths) + 2 * (len(widths) - 1)))
    if len(layers) > SUMMARY_ROWS:
        lines.append(f"... and {len(layers) - SUMMARY_ROWS} further layers")
    total = describe(module)
    trainable, parameters = int(total["n_trainable"]), int(total["n_parameters"])
    lines += [
        lines[1],
        f"Parameters: {parameters:,}",
        f"Trainable parameters: {trainable:,}",
        f"Frozen parameters: {parameters - trainable:,}",
        f"Size with buffers: {total['size_mb']} MB",
    ]
    return "\n".join(lines) + "\n"


def _layers(module: torch.nn.Module) -> Iterator[tuple[str, torch.nn.Module]]:
    yield "(model)", module
    for name, layer in module.named_modules():
        if name:
            yield "  " * name.count(".") + name.rpartition(".")[2], layer


def _row(name: str, layer: torch.nn.Module) -> tuple[str, str, str, str, str]:
    held = [*layer.parameters(), *layer.buffers()]
    if not all(map(_is_sized, held)):
        return name, type(layer).__name__, "?", "?", "?"
    parameters = list(layer.parameters())
    return (
        name,
        type(layer).__name__,
        f"{sum(each.numel() for each in parameters):,}",
        f"{sum(each.numel() for each in parameters if each.requires_grad):,}",
        f"{sum(map(_bytes, held)) / _MB:.3f}",
    )


def _cells(row: tuple[str, ...], widths: list[int]) -> Iterator[str]:
    for column, cell in enumerate(row):
        yield cell.ljust(widths[column]) if column < 2 else cell.rjust(widths[column])


def _is_sized(tensor: torch.Tensor) -> bool:
    """Whether a tensor has a shape already; those of lazy layers get it at the first batch."""
    return not torch.nn.parameter.is_lazy(tensor)


def _bytes(tensor: torch.Tensor) -> int:
    return int(tensor.numel() * tensor.element_size())


def _refuse(name: str, size_bytes: int) -> Taken:
    raise ModelError(
        f"{name} is {size_bytes >> 20} MB, and autologging keeps up to {MOST_BYTES >> 20} MB; steno.log_model keeps it"
    )


def _on_host(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return copies in the host's memory; kinds of tensors stay what they are."""
    copies: dict[str, torch.Tensor] = {}
    devices = set()
    with torch.no_grad():
        for name, tensor in tensors.items():
            if tensor.device.type == "cuda":
                devices.add(tensor.device)
                # Into pinned memory no copy waits, so that one wait serves all of them.
                copy = torch.empty_like(tensor, device="cpu", pin_memory=True)
                copy.copy_(tensor, non_blocking=True)
            else:
                copy = tensor.detach().to("cpu", copy=True)
            is_parameter = isinstance(tensor, torch.nn.Parameter)
            copies[name] = torch.nn.Parameter(copy, False) if is_parameter else copy
            copies[name].requires_grad_(tensor.requires_grad)
    for device in devices:
        torch.cuda.current_stream(device).synchronize()
    return copies
