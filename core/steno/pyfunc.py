"""Any model as a function, and any Python code as a model: `steno.pyfunc`, under MLflow's names.

    class Scaled(steno.pyfunc.PythonModel):
        def predict(self, context, model_input, params=None):
            return model_input * 2

    info = steno.pyfunc.log_model(name="scaled", python_model=Scaled())
    steno.pyfunc.load_model(info.model_uri, trusted=[...]).predict(frame)

Such a model is code, so loading it names what may run: the error of a first try lists it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from steno.errors import InvalidValue, ModelError
from steno.models.layout import CONDA_ENV, REQUIREMENTS
from steno.models.load import PYFUNC
from steno.models.manifest import Manifest
from steno.models.pyfunc import PyFuncModel
from steno.models.python_model import PythonModel, PythonModelContext
from steno.models.requirements import Requirements
from steno.models.signature import ModelSignature

if TYPE_CHECKING:
    from steno.plugins.registers import Offer
    from steno.tracking.models import ModelInfo

Signature = ModelSignature | Literal[False] | None
_FILES = {"pip": REQUIREMENTS, "conda": CONDA_ENV}


def save_model(
    path: str | Path,
    *,
    python_model: Any = None,
    artifacts: Mapping[str, str | Path] | None = None,
    code_paths: Iterable[str | Path] | None = None,
    conda_env: Mapping[str, Any] | str | Path | None = None,
    signature: Signature = None,
    input_example: Any = None,
    pip_requirements: Requirements | None = None,
    extra_pip_requirements: Requirements | None = None,
    metadata: Mapping[str, Any] | None = None,
    model_config: Mapping[str, Any] | str | Path | None = None,
    **options: Any,
) -> Manifest:
    """Write Python code of the user's own as a model.

    Args:
        path: A folder that does not exist, or is empty; it is filled whole or not at all.
        python_model: An instance of `PythonModel`, a function of one argument, or the path of a script that calls
            `steno.models.set_model`.
        artifacts: Files and folders that it needs, copied in, by the name under which `context.artifacts` has them:
            paths on this machine or artifact URIs.
        code_paths: Modules and packages of the user's that it imports.
        conda_env, pip_requirements, extra_pip_requirements: In place of, or beside, the packages found by themselves.
        signature: None takes it from the type hints of `predict`, else from the example; False leaves it out.
        input_example: Inputs, or a tuple (inputs, params).
        metadata: Plain data of the user's own.
        model_config: What `context.model_config` holds: a map, or the path of a YAML file.

    Raises:
        InvalidValue: No python_model, or an argument that cannot be.
        ModelError: It cannot be written; the message names the remedy.
        AlreadyExists: The folder holds something.
    """
    from steno.models.persist import save_model

    given = {
        "artifacts": artifacts,
        "code_paths": code_paths,
        "conda_env": conda_env,
        "signature": signature,
        "input_example": input_example,
        "pip_requirements": pip_requirements,
        "extra_pip_requirements": extra_pip_requirements,
        "metadata": metadata,
        "model_config": model_config,
    }
    return save_model(_given(python_model), path, flavor=PYFUNC, **given, **options)


def log_model(
    artifact_path: str | None = None, *, python_model: Any = None, name: str | None = None, **options: Any
) -> ModelInfo:
    """Write Python code of the user's own to the active run's artifacts; options as for `save_model`.

    Raises:
        InvalidValue, ModelError: As from `save_model`.
    """
    from steno.tracking.models import log_model

    return log_model(_given(python_model), artifact_path, name=name, flavor=PYFUNC, **options)


def load_model(
    model_uri: str | Path,
    suppress_warnings: bool = False,
    dst_path: str | Path | None = None,
    model_config: Mapping[str, Any] | str | Path | None = None,
    *,
    trusted: Iterable[str] = (),
) -> PyFuncModel:
    """Return a model of any framework as a function: `.predict(data, params)` with its inputs checked.

    Args:
        model_uri: A folder, or any URI that `steno.load_model` takes.
        suppress_warnings: Say nothing where versions differ from those it was saved with.
        dst_path: Where to copy it first.
        model_config: Goes before the configuration saved with it, key by key.
        trusted: What it may run or construct beyond its framework's own types, by qualified name; a script by its
            file's name.

    Raises:
        UntrustedTypes: It needs more than that; nothing was executed. The error names what.
        DamagedModel: A file is not as it was saved.
        NotFound: There is no such model.
    """
    from steno.models.from_code import config_of
    from steno.tracking.models import load_pyfunc_model

    config = config_of(model_config) if model_config is not None else None
    return load_pyfunc_model(model_uri, suppress_warnings, dst_path, config, trusted=tuple(trusted))


def get_model_dependencies(model_uri: str | Path, format: Literal["pip", "conda"] = "pip") -> str:  # noqa: A002
    """Return the path of a model's requirements file, or of its conda environment.

    Raises:
        InvalidValue: Another format.
        ModelError: The model has no such file.
        NotFound: There is no such model.
    """
    from steno.tracking.models import local_folder

    if format not in _FILES:
        raise InvalidValue(f"the format of dependencies is 'pip' or 'conda', not {format!r}")
    folder = local_folder(model_uri)
    Manifest.read(folder)
    path = folder / _FILES[format]
    if not path.is_file():
        raise ModelError(f"model {model_uri} has no {path.name}: it was saved without its dependencies")
    return str(path)


def __getattr__(name: str) -> Any:
    """Load what a plugin brings for this module, as functions that predict on other machines."""
    brought = {} if name.startswith("_") else _brought()
    if name not in brought:
        beside = f"; plugins bring {', '.join(brought)}" if brought else ""
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}{beside}")
    found = globals()[name] = brought[name].load()
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *_brought()})


def _brought() -> dict[str, Offer]:
    from steno.plugins import plugins

    return plugins().hooks.pyfunc_functions()


def _given(python_model: Any) -> Any:
    if python_model is None:
        raise InvalidValue("give python_model: a PythonModel, a function of one argument, or the path of a script")
    return python_model


__all__ = [
    "PyFuncModel",
    "PythonModel",
    "PythonModelContext",
    "get_model_dependencies",
    "load_model",
    "log_model",
    "save_model",
]
