"""Writes an exported program whose weights go from memory to the file, without the two copies PyTorch makes of each.

PyTorch writes the program with one number in place of each weight; the archive is then written anew with the weights'
own bytes, and with their sizes where those of the numbers stood.

Source: the layout is that of PyTorch's `torch/export/pt2_archive`, versions 2.8 to 2.13.
"""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import torch
from steno.errors import ModelError
from torch.export import ExportedProgram
from torch.nn import Parameter

_FOLDER = "data/weights/"
_CONFIG = f"{_FOLDER}model_weights_config.json"
_BY_ITSELF = (".data/", "byteorder", "version")  # what PyTorch's writer adds to any archive


def save(program: ExportedProgram, path: Path) -> None:
    """Write a program, which then has no weights any more, to a file.

    Memory: that of the program without its weights. Weights that are no plain tensors on the CPU are written by
    PyTorch itself, which copies them.

    Raises:
        ModelError: This PyTorch writes another layout.
    """
    weights = dict(program.state_dict)
    if not all(map(_is_plain, weights.values())) or (stand_ins := _stand_ins(weights)) is None:
        torch.export.save(program, path)
        return
    program.state_dict.update(stand_ins)
    frame = io.BytesIO()
    torch.export.save(program, frame)
    frame.seek(0)
    _write(torch._C.PyTorchFileReader(frame), weights, path)


def _is_plain(weight: torch.Tensor) -> bool:
    own = type(weight) in (torch.Tensor, Parameter, torch.nn.Buffer)
    return own and weight.device.type == "cpu" and weight.layout == torch.strided and not weight.is_quantized


def _stand_ins(weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor] | None:
    """Return a tensor of one number for each weight; None if memory is shared by weights of different types.

    Weights that share memory have numbers that share it too, as PyTorch looks for that.
    """
    storages: dict[int, torch.Tensor] = {}
    found: dict[str, torch.Tensor] = {}
    for name, weight in weights.items():
        address = weight.untyped_storage().data_ptr()
        number = storages.setdefault(address, torch.zeros(1, dtype=weight.dtype)).detach()
        if number.dtype != weight.dtype:
            return None
        found[name] = Parameter(number, weight.requires_grad) if isinstance(weight, Parameter) else number
    return found


def _write(frame: Any, weights: dict[str, torch.Tensor], path: Path) -> None:
    records = [name for name in frame.get_all_records() if not name.startswith(_BY_ITSELF)]
    if _CONFIG not in records:
        raise ModelError(f"PyTorch {torch.__version__} lays a program out in a way that is not known here")
    config = json.loads(frame.get_record(_CONFIG))
    storages: dict[str, Any] = {}
    for name, entry in config["config"].items():
        weight = weights[name]
        storages[_FOLDER + entry["path_name"]] = weight.untyped_storage()
        entry["tensor_meta"] |= {
            "sizes": [{"as_int": size} for size in weight.shape],
            "strides": [{"as_int": stride} for stride in weight.stride()],
            "storage_offset": {"as_int": weight.storage_offset()},
        }
    writer = torch._C.PyTorchFileWriter(str(path))
    writer.set_min_version(6)  # as PyTorch does for programs
    for name in records:
        storage = storages.get(name)
        if storage is not None:
            writer.write_record(name, storage, storage.nbytes())
            continue
        content = json.dumps(config).encode() if name == _CONFIG else frame.get_record(name)
        writer.write_record(name, content, len(content))
    writer.write_end_of_file()
