"""The exported program: the module's computation as a graph of tensor operations, which needs none of its classes."""

from __future__ import annotations

import copy
import io
import logging
import sys
import threading
import warnings
from collections.abc import Collection, Iterator
from contextlib import contextmanager, redirect_stderr
from pathlib import Path
from typing import Any

import torch
from steno.errors import InvalidValue, ModelError, UntrustedTypes
from steno.models.layout import member

from steno_torch import archive_inputs, archive_program, archive_pt2

FILE = "model.pt2"
# Before, PyTorch put a program into another archive, which nothing here looks into.
WRITES = torch.__version__ >= (2, 8)
_quiet = threading.Lock()


def write(module: torch.nn.Module, folder: Path, example: Any, dynamic_shapes: Any = None) -> None:
    """Export a module that is in evaluation mode. Raises: ModelError.

    Args:
        module: Left as it is; one on a device is copied to the CPU first.
        folder: Where the file goes.
        example: Inputs as `predict` takes them.
        dynamic_shapes: As `torch.export.export` takes it; None lets the first axis of each tensor differ.
    """
    if not WRITES:
        raise ModelError(
            f"an exported program needs PyTorch 2.8 or later, and this is {torch.__version__}: save the state dict "
            "(serialization_format='state_dict', the default)"
        )
    if example is None:
        raise ModelError("an exported program needs to see inputs: give input_example=, or save the state dict instead")
    device, dtype = archive_inputs.device_and_dtype(module)
    if device.type != "cpu":
        module = copy.deepcopy(module).cpu()
    given = _with_several_rows(archive_inputs.tensors(example, torch.device("cpu"), dtype))
    by_name = given if isinstance(given, dict) else {}
    in_order = () if by_name else given if isinstance(given, tuple) else (given,)
    shapes = dynamic_shapes if dynamic_shapes is not None else _first_axis_free(by_name or in_order)
    try:
        with torch.no_grad():
            # Copies, which it marks, and would write with the marks.
            marked = copy.deepcopy((in_order, by_name))
            program = torch.export.export(module, *marked, dynamic_shapes=shapes, strict=False)
        program.example_inputs = (in_order, by_name)
        _without_metadata(program)
        archive_pt2.save(program, folder / FILE)
    except Exception as error:  # the module's own code is run, and refuses in any way
        raise ModelError(
            f"{type(module).__name__} cannot be exported: {_reason(error)}. "
            "Save its state dict (serialization_format='state_dict')."
        ) from error


def write_beside(module: torch.nn.Module, folder: Path, example: Any) -> str | None:
    """Write the program of a module in evaluation mode, for readers of programs alone, where that is possible.

    Returns:
        None, or why there is no program.
    """
    if not WRITES:
        return f"PyTorch {torch.__version__} writes no program that is read here"
    if example is None:
        return "there is no input example to export it with"
    if isinstance(example, (dict, tuple)):
        return "its inputs are not one tensor"
    try:
        with _quietly():
            # A program for one size of batch would be read, and then refuse every other.
            write(module, folder, example, ({0: torch.export.Dim.DYNAMIC},))
    except (ModelError, InvalidValue) as error:
        (folder / FILE).unlink(missing_ok=True)
        return _reason(error.__cause__ or error)
    return None


def _reason(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0] if lines else ''}"


class _Unheard(io.TextIOBase):
    """A stream that keeps what one thread writes to itself."""

    def __init__(self, stream: Any) -> None:
        self._stream, self._thread = stream, threading.get_ident()

    def write(self, text: str) -> int:
        return len(text) if threading.get_ident() == self._thread else int(self._stream.write(text))


@contextmanager
def _quietly() -> Iterator[None]:
    """Keep PyTorch from telling the user of what nobody asked for: it warns, logs, and prints graphs."""
    logger = logging.getLogger("torch.fx.experimental.symbolic_shapes")
    with _quiet, warnings.catch_warnings(), redirect_stderr(_Unheard(sys.stderr)):
        warnings.simplefilter("ignore")
        level = logger.level
        logger.setLevel(logging.CRITICAL)
        try:
            yield
        finally:
            logger.setLevel(level)


def untrusted(folder: Path, where: str) -> frozenset[str]:
    """Return what loading needs beyond PyTorch's own operations. Raises: ModelError."""
    return archive_program.untrusted(_content(folder, where), where)


def load(folder: Path, trusted: Collection[str], where: str) -> torch.nn.Module:
    """Return the program as a module on the CPU. Raises: UntrustedTypes, ModelError."""
    content = _content(folder, where)
    if unknown := archive_program.untrusted(content, where) - set(trusted):
        raise UntrustedTypes(where, unknown)
    try:
        module: torch.nn.Module = torch.export.load(io.BytesIO(content)).module()
    except Exception as error:  # a damaged file raises anything
        raise ModelError(f"{where} cannot be loaded: {type(error).__name__}: {error}") from error
    return module


def _content(folder: Path, where: str) -> bytes:
    path = member(folder, FILE)
    if not path.is_file():
        raise ModelError(f"{where} is a folder")
    return path.read_bytes()


def _with_several_rows(given: Any) -> Any:
    """Return inputs of at least two rows: an axis of length one would be taken for fixed."""
    if isinstance(given, dict):
        return {name: _with_several_rows(each) for name, each in given.items()}
    if isinstance(given, tuple):
        return tuple(_with_several_rows(each) for each in given)
    return torch.cat([given, given]) if given.ndim and given.shape[0] == 1 else given


def _first_axis_free(given: Any) -> Any:
    if isinstance(given, dict):
        return {name: _first_axis_free(each) for name, each in given.items()}
    if isinstance(given, tuple):
        return tuple(_first_axis_free(each) for each in given)
    return {0: torch.export.Dim.AUTO} if given.ndim else None


def _without_metadata(program: torch.export.ExportedProgram) -> None:
    """Take out where in whose files each operation was written: nobody needs it, and it names the user's folders."""
    for module in program.graph_module.modules():
        if isinstance(module, torch.fx.GraphModule):
            for node in module.graph.nodes:
                for name in ("stack_trace", "nn_module_stack", "source_fn_stack", "torch_fn", "custom", "from_node"):
                    node.meta.pop(name, None)
