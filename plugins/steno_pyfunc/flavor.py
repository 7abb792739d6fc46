"""Keeps models that are Python code of the user's own, in the form that MLflow's `pyfunc` reads.

The MLmodel file has no section for them but `python_function`, which gives the flavor its name.
"""

from __future__ import annotations

import ast
import inspect
import logging
import pickletools
import shutil
import sys
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from steno.contracts.flavor import Conf, FlavorInfo
from steno.errors import InvalidValue, ModelError, UntrustedTypes
from steno.models import pickles
from steno.models.from_code import config_of, run_script
from steno.models.hints import signature_of_hints
from steno.models.layout import member
from steno.models.load import shipped
from steno.models.python_model import PythonModel, PythonModelContext, _FunctionPythonModel
from steno.models.signature import ModelSignature

from steno_pyfunc import calling, compressed, kept

logger = logging.getLogger("steno.pyfunc")

_FILE = "python_model.pkl"
_OBJECT, _SCRIPT = "mlflow.pyfunc.model", "mlflow.pyfunc.loaders.code_model"
_KNOWN = "artifacts, model_config"


class PyFuncFlavor:
    """Instances of `steno.pyfunc.PythonModel`, functions of one argument, and scripts that call `set_model`.

    Loading runs code of the user's, so it is never done unless the caller names what runs: each name a pickle imports,
    or the script's file name.

    Options of `save`:
        artifacts: Files and folders to keep beside the model, by name.
        model_config: The model's configuration: a map, or the path of a YAML file.
    """

    name = "python_function"
    predicts_as_loaded = True

    def save(self, model: Any, folder: Path, **options: Any) -> FlavorInfo:
        """Write the model. Raises: ModelError, InvalidValue."""
        artifacts, config = options.pop("artifacts", None), options.pop("model_config", None)
        if options:
            raise InvalidValue(f"python models have no option {', '.join(sorted(options))}; known: {_KNOWN}")
        section: dict[str, Any] = {}
        if config is not None:
            section["config"] = config_of(config)
        section |= {"artifacts": kept.keep(artifacts, folder)} if artifacts else {}
        if isinstance(model, str | Path):
            return self._script(Path(model), folder, section)
        return self._object(_as_model(model), folder, section)

    def _object(self, model: Any, folder: Path, section: dict[str, Any]) -> FlavorInfo:
        from steno_pyfunc import pickled

        data, modules = pickled.dumps(model)
        (folder / _FILE).write_bytes(data)
        section |= {"loader_module": _OBJECT, "python_model": _FILE, "cloudpickle_version": pickled.version()}
        section["streamable"] = calling.streams(model)
        signature = _signature(model)
        about = {"is_signature_from_type_hint": True, "type_hint_from_example": False} if signature else {}
        return FlavorInfo({}, section, ("cloudpickle", *_packages(modules)), signature=signature, about=about)

    def _script(self, script: Path, folder: Path, section: dict[str, Any]) -> FlavorInfo:
        if not script.is_file():
            raise InvalidValue(f"{script} is no file: python_model is a PythonModel, a function or a script's path")
        shutil.copyfile(script, folder / script.name)
        model = _as_model(run_script(folder / script.name, section.get("config")))
        section |= {"loader_module": _SCRIPT, "model_code_path": script.name, "streamable": calling.streams(model)}
        signature = _signature(model)
        about = {"is_signature_from_type_hint": True, "type_hint_from_example": False} if signature else {}
        return FlavorInfo({}, section, _packages(_imported(script)), signature=signature, about=about)

    def untrusted(self, folder: Path, conf: Conf) -> frozenset[str]:
        """Return all that the model's pickle imports, or its script's file name; modules beside it that either uses.

        Raises:
            ModelError: It is damaged, or made so that this cannot be told by reading.
            UnsafePath: It names files outside its folder.
        """
        modules = shipped(folder, conf.get("code"))
        if script := _script_of(conf):
            used = _imported(member(folder, script)) if modules else set()
            return frozenset([script, *modules & {name.partition(".")[0] for name in used}])
        data, where = _read(folder, conf)
        names = pickles.imports(data, where)
        named = {name.partition(".")[0] for name in names}
        return names | (modules & _words(data) - named if modules else set())

    def load(self, folder: Path, conf: Conf, *, trusted: Collection[str]) -> Any:
        """Return the model, ready to predict. Raises: UntrustedTypes, ModelError, UnsafePath."""
        config = conf.get("config") or {}
        if script := _script_of(conf):
            if script not in trusted:
                raise UntrustedTypes(f"model {folder}", [script])
            model = _as_model(run_script(member(folder, script), config))
        else:
            from steno_pyfunc import pickled

            data, where = _read(folder, conf)
            model = pickled.loads(data, trusted, where)
        context = PythonModelContext(kept.paths(conf.get("artifacts"), folder), config)
        calling.attach(model, context)
        if hasattr(model, "load_context"):
            model.load_context(context)
        return model

    def predict(self, model: Any, inputs: Any, params: Mapping[str, Any], conf: Conf) -> Any:
        """Call the model's `predict`, with context and params if it takes them. Raises: ModelError."""
        return calling.call(model, "predict", calling.as_hinted(model, inputs), params, conf)

    def predict_stream(self, model: Any, inputs: Any, params: Mapping[str, Any], conf: Conf) -> Iterator[Any]:
        """Call the model's `predict_stream`. Raises: ModelError if it has none."""
        found: Iterator[Any] = iter(calling.call(model, "predict_stream", inputs, params, conf))
        return found


def _as_model(model: Any) -> Any:
    """Return what a user gave as an object with `predict`. Raises: InvalidValue."""
    if isinstance(model, type):
        raise InvalidValue(f"give an instance, {model.__name__}(), in place of the class {model.__name__}")
    if callable(getattr(model, "predict", None)) and _is_python_model(model):
        if isinstance(model, PythonModel) and type(model).predict is PythonModel.predict:
            raise InvalidValue(f"{type(model).__name__} has no predict of its own")
        return model
    if not callable(model):
        raise InvalidValue(f"python_model is a PythonModel, a function or a script's path, not {type(model).__name__}")
    needed = [
        each
        for each in inspect.signature(model).parameters.values()
        if each.default is inspect.Parameter.empty and each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)
    ]
    if len(needed) != 1:
        raise InvalidValue(f"a function that is a model takes one argument, its input; this one takes {len(needed)}")
    return _FunctionPythonModel(model)


def _is_python_model(model: Any) -> bool:
    return any(cls.__name__ == "PythonModel" for cls in type(model).__mro__)


def _signature(model: Any) -> ModelSignature | None:
    try:
        return signature_of_hints(*calling.hints(model))
    except InvalidValue as error:
        logger.warning("the type hints of predict give no signature: %s", error.message)
        return None


def _packages(modules: Collection[str]) -> tuple[str, ...]:
    """Return import names of what is to be installed for a model that needs these modules."""
    tops = sorted({name.partition(".")[0] for name in modules})
    ours = {"", "__main__", "cloudpickle", "mlflow", *sys.stdlib_module_names}
    return tuple(name for name in tops if name not in ours)


def _imported(script: Path) -> set[str]:
    """Return the modules that a script imports by name. Raises: ModelError if it does not parse."""
    try:
        nodes = list(ast.walk(ast.parse(script.read_bytes())))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ModelError(f"the model's script {script.name} cannot be read: {error}") from error
    whole = {each.name for node in nodes if isinstance(node, ast.Import) for each in node.names}
    return whole | {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom) and not node.level}


def _script_of(conf: Conf) -> str | None:
    """Return the name of a model's script; MLflow writes the path it had before."""
    path = conf.get("model_code_path") if conf.get("loader_module") == _SCRIPT else None
    return None if path is None else str(path).replace("\\", "/").rpartition("/")[2]


def _words(data: bytes) -> set[str]:
    """Return the texts in a sound pickle: code that is kept in it says there what it imports."""
    return {str(argument) for opcode, argument, _ in pickletools.genops(data) if "UNICODE" in opcode.name}


def _read(folder: Path, conf: Conf) -> tuple[bytes, str]:
    """Return the pickle and its name for messages. Raises: ModelError, UnsafePath."""
    name = conf.get("python_model")
    if name is None:
        raise ModelError(f"model {folder} names no python_model, so there is nothing to load")
    path = member(folder, name)
    if not path.is_file():
        raise ModelError(f"model {folder} names {name!r} as its file, and that is a folder")
    return compressed.read(path, conf.get("python_model_compression")), f"{path.name} of model {folder}"


flavor = PyFuncFlavor()
