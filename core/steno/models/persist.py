"""Writes a model to a folder, whole or not at all; `load` reads it back."""

from __future__ import annotations

import os
import platform
import shutil
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import steno
from steno.contracts.flavor import Flavor, FlavorInfo
from steno.errors import AlreadyExists, InvalidValue, ModelError
from steno.models import outputs, seal
from steno.models.example import Example
from steno.models.layout import CODE, CONDA_ENV, PYTHON_ENV
from steno.models.load import load_model
from steno.models.manifest import Manifest
from steno.models.requirements import Environment, Requirements
from steno.models.signature import ColSpec, ModelSignature, infer_signature
from steno.plugins import plugins

__all__ = ["flavor_for", "load_model", "save_model"]


def save_model(
    model: Any,
    path: str | Path,
    *,
    flavor: str | None = None,
    signature: ModelSignature | Literal[False] | None = None,
    input_example: Any = None,
    pip_requirements: Requirements | None = None,
    extra_pip_requirements: Requirements | None = None,
    conda_env: Mapping[str, Any] | str | Path | None = None,
    code_paths: Iterable[str | Path] | None = None,
    metadata: Mapping[str, Any] | None = None,
    run_id: str | None = None,
    artifact_path: str | None = None,
    model_id: str | None = None,
    **options: Any,
) -> Manifest:
    """Write a model in MLflow's format and return what its MLmodel file says. Safe to call from several threads.

    Args:
        model: The trained model.
        path: A folder that does not exist, or is empty; it is filled whole or not at all.
        flavor: The flavor's name; default the one that owns the model's class.
        signature: None infers it from the input example if there is one, False leaves it out.
        input_example: Inputs as `predict` takes them, or a tuple (inputs, params).
        pip_requirements, extra_pip_requirements, conda_env: In place of, or beside, what is found by itself; one only.
        code_paths: Modules and packages of the user's to keep beside the model.
        metadata: Plain data of the user's own.
        run_id, artifact_path, model_id: Where it is being logged.
        options: The flavor's own.

    Raises:
        AlreadyExists: The folder holds something.
        ModelError: No flavor owns the model, or it cannot be written; the message names the remedy.
        InvalidValue: An argument that cannot be.
    """
    keeper, example = flavor_for(model, flavor), None if input_example is None else Example.of(input_example)
    environment = Environment(pip_requirements, extra_pip_requirements, conda_env)
    with _appearing(Path(path)) as part:
        info = keeper.save(model, part, **_example_for(keeper, example), **options)
        about = info.about if signature is None else {}
        if signature is None:
            signature = _signature_of(keeper, model, info, example, part)
        sections = _sections(keeper.name, info, _copy_code(code_paths, part))
        logged: dict[str, Any] = {"run_id": run_id, "artifact_path": artifact_path, "model_id": model_id}
        environment.write(part, (*info.packages, *(("pandas",) if _has_columns(signature) else ())))
        manifest = _manifest(part, sections, signature, example, metadata, logged, about)
        manifest.write(part)
    plugins().hooks.model_saved(manifest, run_id)
    return manifest


@contextmanager
def _appearing(path: Path) -> Iterator[Path]:
    """Give a folder to fill that becomes `path` at the end, and vanishes if an error comes first."""
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise AlreadyExists(f"{path} holds something already; give a folder that does not exist or is empty")
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.parent / f".{path.name}.{uuid.uuid4().hex}.part"
    try:
        part.mkdir()
        yield part
        os.rename(part, path)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _manifest(
    folder: Path,
    sections: dict[str, dict[str, Any]],
    signature: ModelSignature | Literal[False] | None,
    example: Example | None,
    metadata: Mapping[str, Any] | None,
    logged: dict[str, Any],
    about: dict[str, Any],
) -> Manifest:
    info = example.write(folder) if example else None
    return Manifest(
        flavors=sections,
        signature_dict=signature.to_dict() if signature else None,
        saved_input_example_info=info,
        metadata=dict(metadata) if metadata else None,
        **logged,
        extra=about,
        **_birth(folder, logged["model_id"]),
    )


def _birth(folder: Path, model_id: str | None) -> dict[str, Any]:
    """Return what the MLmodel file says of the moment of writing."""
    files = seal.digests(folder)
    return {
        "model_uuid": model_id or uuid.uuid4().hex,
        "utc_time_created": datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S.%f"),
        "model_size_bytes": sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()),
        "steno_version": steno.__version__,
        "file_digests": files,
    }


def flavor_for(model: Any, name: str | None = None) -> Flavor:
    """Return the flavor of a name, or the one that owns the model's class.

    Raises:
        ModelError: There is none.
        MissingDependency: A package it needs is not installed.
    """
    offers = plugins().flavors
    offer = offers.owner_of(model) if name is None else offers.find_one(name)
    if offer is None and name is None and offers.wait():
        offer = offers.owner_of(model)
    if offer is None:
        what = f"named {name!r}" if name else f"for {type(model).__module__}.{type(model).__qualname__}"
        raise ModelError(
            f"no model flavor {what} is installed; known: {', '.join(sorted(offers.offers)) or 'none'}. "
            "Install a plugin that brings one, or name one with flavor=."
        )
    found: Flavor = offer.load()
    return found


def _example_for(keeper: Flavor, example: Example | None) -> dict[str, Any]:
    wanted = example is not None and getattr(keeper, "takes_example", False)
    return {"input_example": example.inputs} if wanted and example else {}


def _signature_of(
    keeper: Flavor, model: Any, info: FlavorInfo, example: Example | None, folder: Path
) -> ModelSignature | None:
    """Return the signature the model declares, else infer it from an example and what the model makes of it."""
    if info.signature is not None or example is None:
        declared: ModelSignature | None = info.signature
        if declared and example and example.params:
            return ModelSignature(declared.inputs, declared.outputs, infer_signature(params=example.params).params)
        return declared
    if info.pyfunc is None:
        return infer_signature(example.inputs, params=example.params)
    conf = {**info.conf, **info.pyfunc}
    if getattr(keeper, "predicts_as_loaded", False):  # written a moment ago from what the caller holds: trusted
        model = keeper.load(folder, conf, trusted=keeper.untrusted(folder, conf))
    predictions = keeper.predict(model, example.inputs, dict(example.params or {}), conf)
    signature = infer_signature(example.inputs, predictions, example.params)
    outputs.keep(folder, predictions, example, signature)
    return signature


def _has_columns(signature: ModelSignature | Literal[False] | None) -> bool:
    return bool(signature and signature.inputs and any(isinstance(spec, ColSpec) for spec in signature.inputs))


def _sections(name: str, info: FlavorInfo, code: str | None) -> dict[str, dict[str, Any]]:
    """Return the `flavors` of the MLmodel file."""
    ours = {"code": code} if code else {}
    sections = {each: {**conf, **ours} for each, conf in {name: info.conf, **info.also}.items()}
    if info.pyfunc is None:
        return sections
    pyfunc = {
        **info.pyfunc,
        "env": {"conda": CONDA_ENV, "virtualenv": PYTHON_ENV},
        "python_version": platform.python_version(),
        **ours,
    }
    return {**sections, "python_function": pyfunc}


def _copy_code(code_paths: Iterable[str | Path] | None, folder: Path) -> str | None:
    if not code_paths:
        return None
    if isinstance(code_paths, (str, Path)):
        raise InvalidValue(f"code_paths is a list of paths, not {code_paths!r}")
    target = folder / CODE
    target.mkdir()
    for each in map(Path, code_paths):
        if each.is_dir():
            ignore = shutil.ignore_patterns("__pycache__", "*.pyc")
            shutil.copytree(each, target / each.resolve().name, ignore=ignore)
        elif each.is_file():
            shutil.copy2(each, target / each.name)
        else:
            raise InvalidValue(f"code path {each} does not exist")
    return CODE
