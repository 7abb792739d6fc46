"""Keeps PyTorch modules: as weights and how to rebuild by default, as an exported program or a pickle where asked."""

from __future__ import annotations

import logging
import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from steno.contracts.flavor import Conf, FlavorInfo
from steno.errors import InvalidValue, ModelError
from steno.models.layout import member

from steno_torch import archive_inputs, archive_pickle, archive_state
from steno_torch.archive_state import Taken
from steno_torch.archive_tree import bare

_DATA, _PROGRAM = "data", "model.pt2"
_FORMATS = ("state_dict", "export", "pickle")
_OPTIONS = ("serialization_format", "dynamic_shapes")
# MLflow's reader, which knows pickles and programs; a state dict alone it leaves to ours.
_MLFLOW_LOADER, _OWN_LOADER = "mlflow.pytorch", "steno_torch.archive_pyfunc"
_predicting = threading.RLock()
_WEIGHTS_ALONE = (
    "of %s only the weights are kept, and load_model will not give it back: %s. Give input_example= to keep it as a "
    "program too, take parametrizations off before (torch.nn.utils.parametrize.remove_parametrizations), or load the "
    "weights into an instance of your own (steno.pytorch.load_state_dict)."
)
logger = logging.getLogger("steno.models")


class TorchFlavor:
    """PyTorch's modules, Lightning's among them.

    Options of `save`:
        serialization_format: "state_dict": weights as safetensors and, as data, how to rebuild the module. "export": a
            `torch.export` program, which needs no class but an input example. "pickle": the whole module, as MLflow
            keeps it. Default: the state dict and, where one input example makes it possible, the program beside it,
            from which MLflow reads the model.
        dynamic_shapes: For "export": as `torch.export.export` takes it; default lets the batch's size differ.
    """

    name = "pytorch"
    takes_example = True

    def save(self, model: Any, folder: Path, *, input_example: Any = None, **options: Any) -> FlavorInfo:
        """Write the module, which is left as it is. Raises: ModelError, InvalidValue."""
        given = options.pop("serialization_format", None)
        form = given or "state_dict"
        shapes = options.pop("dynamic_shapes", None)
        if form not in _FORMATS:
            raise InvalidValue(f"serialization_format is one of {', '.join(_FORMATS)}, not {form!r}")
        if options:
            known = ", ".join(_OPTIONS)
            raise InvalidValue(f"the pytorch flavor has no option {', '.join(sorted(options))}; known: {known}")
        if not isinstance(model, torch.nn.Module) and not (isinstance(model, Taken) and form == "state_dict"):
            raise ModelError(f"the pytorch flavor keeps modules, not {type(model).__name__}")
        data = folder / _DATA
        data.mkdir()
        if form == "state_dict":
            return self._save_state(model, data, also_program=given is None, example=input_example)
        if form == "pickle":
            archive_pickle.write(model, data)
        else:
            from steno_torch import archive_export

            model = bare(model)
            with _evaluating(model):
                archive_export.write(model, data, input_example, shapes)
        return FlavorInfo(_section(form), _pyfunc(_MLFLOW_LOADER), ("torch", "numpy", *_own_packages(model)))

    def _save_state(self, model: Any, data: Path, *, also_program: bool, example: Any) -> FlavorInfo:
        taken = model if isinstance(model, Taken) else archive_state.take(model)
        archive_state.write(taken, data)
        section = {**_section("state_dict"), "model_class": taken.name, "rebuilds": taken.tree is not None}
        loader = _OWN_LOADER if section["rebuilds"] else None
        if also_program and not isinstance(model, Taken):
            why = _write_program(bare(model), data, example)
            section |= {"why_no_program": why} if why else {"program": _PROGRAM}
            loader = loader if why else _MLFLOW_LOADER
        if loader is None and not isinstance(model, Taken):
            logger.warning(_WEIGHTS_ALONE, taken.name, str(taken.why).partition("\n")[0].rstrip(" ."))
        reader = ("steno",) if loader == _OWN_LOADER else ()  # who builds the environment of it gets who can read it
        packages = ("torch", "numpy", "safetensors", *reader, *_packages(taken))
        return FlavorInfo(section, _pyfunc(loader) if loader else None, packages)

    def untrusted(self, folder: Path, conf: Conf) -> frozenset[str]:
        """Return the names that loading needs beyond PyTorch's own. Raises: ModelError, UnsafePath."""
        form, data, where = _module(folder, conf)
        if form == "state_dict":
            return archive_state.untrusted(data)
        if form == "pickle":
            return archive_pickle.untrusted(data, where)
        from steno_torch import archive_export

        return archive_export.untrusted(data, where)

    def load(self, folder: Path, conf: Conf, *, trusted: Collection[str]) -> Any:
        """Return the module on the CPU, in the mode it was saved in. Raises: UntrustedTypes, ModelError."""
        form, data, where = _module(folder, conf)
        if form == "state_dict":
            return archive_state.load(data, trusted, where)
        if form == "pickle":
            return archive_pickle.load(data, trusted, where)
        from steno_torch import archive_export

        return archive_export.load(data, trusted, where)

    def predict(self, model: Any, inputs: Any, params: Mapping[str, Any], conf: Conf) -> Any:
        """Call the module as for evaluation, where it is or on the `device` of params or configuration.

        DataFrames give float32 and come back as DataFrames; a dict gives the arguments of `forward` by name.

        Raises:
            InvalidValue: Inputs that no tensor holds.
        """
        model = bare(model)
        device = params.get("device") or (conf.get("config") or {}).get("device")
        if device is not None:
            _move(model, device)
        place, dtype = archive_inputs.device_and_dtype(model)
        given = archive_inputs.tensors(inputs, place, dtype)
        with _evaluating(model), torch.inference_mode():
            outputs = archive_inputs.called(model, given)
        return archive_inputs.like(archive_inputs.plain(outputs), inputs)


def _write_program(model: Any, data: Path, example: Any) -> str | None:
    from steno_torch import archive_export

    with _evaluating(model):
        return archive_export.write_beside(model, data, example)


def _move(model: Any, device: Any) -> None:
    """Put a module on a device that a caller, or a model's file, names. Raises: InvalidValue."""
    try:
        model.to(torch.device(device))
    except (RuntimeError, TypeError, ValueError, AssertionError) as error:
        reason = str(error).partition("\n")[0]
        raise InvalidValue(f"this model cannot be put on the device {device!r} here: {reason}") from error


@contextmanager
def _evaluating(module: Any) -> Iterator[None]:
    """Put a module into its evaluation mode and, at the end, each of its parts into the one it was in."""
    with _predicting:  # another thread must not find it half way, nor take that for how it is
        if training := [each for each in module.modules() if each.training]:
            try:
                for each in training:
                    each.training = False
                yield
            finally:
                for each in training:
                    each.training = True
            return
    yield


def _section(form: str) -> dict[str, Any]:
    return {
        "model_data": _DATA,
        "pytorch_version": str(torch.__version__),
        "serialization_format": form,
        "code": None,
    }


def _pyfunc(loader: str) -> dict[str, Any]:
    reader = {"pickle_module_name": "mlflow.pytorch.pickle_module"} if loader == _MLFLOW_LOADER else {}
    return {"loader_module": loader, "data": _DATA, **reader, "config": {"device": None}}


def _packages(taken: Taken) -> list[str]:
    from steno_torch.archive_rebuild import names

    found = names(taken.tree) if taken.tree is not None else {taken.name}
    return _foreign(found)


def _own_packages(model: Any) -> list[str]:
    return _foreign(f"{type(each).__module__}." for each in bare(model).modules())


def _foreign(names: Any) -> list[str]:
    tops = sorted({name.partition(".")[0] for name in names})
    return [top for top in tops if top not in ("torch", "numpy", "builtins", "collections", "__main__")]


def _module(folder: Path, conf: Conf) -> tuple[str, Path, str]:
    """Return what `found` does of the file that gives the module: without a description, the program beside it."""
    form, data, where = found(folder, conf)
    if form == "state_dict" and (data / _PROGRAM).exists() and not archive_state.rebuilds(data):
        return "export", data, f"{_PROGRAM} (export)"
    return form, data, where


def found(folder: Path, conf: Conf) -> tuple[str, Path, str]:
    """Return format, folder of the data and its name for messages. Raises: ModelError, UnsafePath."""
    data = member(folder, conf.get("model_data") or conf.get("data") or _DATA)
    form = conf.get("serialization_format")
    if form is None:  # MLflow writes none: what is there decides, as it does there
        form = "pickle" if (data / archive_pickle.FILE).exists() else "export"
    if form not in _FORMATS:
        raise ModelError(f"model {folder} is in the format {form!r}; known: {', '.join(_FORMATS)}")
    names = {"state_dict": archive_state.WEIGHTS, "pickle": archive_pickle.FILE, "export": _PROGRAM}
    return form, data, f"{names[form]} ({form})"


flavor = TorchFlavor()
