"""What the files of a model say of it, read and changed where they are: signature, requirements."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

from msgspec import structs

from steno.errors import InvalidValue, ModelError, NotFound
from steno.model_records import LoggedModel, LoggedModelStatus
from steno.models.layout import CONDA_ENV, MLMODEL, REQUIREMENTS
from steno.models.manifest import Manifest, dump_yaml, load_yaml
from steno.models.requirements import changed
from steno.models.serving_input import parse as serving_input_of
from steno.models.signature import ModelSignature
from steno.registry import find_version, is_model_uri, parse_model_uri
from steno.tracking import model_sources, places
from steno.tracking.client import Client
from steno.tracking.models import ModelInfo, load_pyfunc_model

_client = Client()
_OF_HINTS = ("is_signature_from_type_hint", "type_hint_from_example")


def get_model_info(model_uri: str | Path) -> ModelInfo:
    """Return what a model says of itself, and what the store knows of it if it was logged there.

    Raises:
        NotFound: There is no such model.
        InvalidValue: A URI that is malformed.
    """
    uri = str(model_uri)
    root, manifest = _found(uri)
    registered = find_version(_client.registry, parse_model_uri(uri)) if _is_registered(uri) else None
    version = None if registered is None else str(registered.version)
    try:
        logged = _client.get_logged_model(manifest.model_id or "")
    except (NotFound, InvalidValue):  # saved to a folder, or logged elsewhere
        logged = LoggedModel("", manifest.model_id or "", Path(root).name, root, status=LoggedModelStatus.READY)
        return ModelInfo(logged, manifest, version, uri=uri)
    return ModelInfo(logged, manifest, version)


def set_signature(model_uri: str | Path, signature: ModelSignature) -> None:
    """Give a model another signature; the rest of its MLmodel file stays.

    Args:
        model_uri: A folder, `runs:/<run id>/<path>`, `models:/<model id>`, or the URI of a folder of artifacts.
        signature: What it takes and gives from now on.

    Raises:
        InvalidValue: The URI of a registered model's version, which others rely on; or no signature.
        NotFound: There is no such model.
    """
    if not isinstance(signature, ModelSignature):
        raise InvalidValue(f"a ModelSignature is needed, not {type(signature).__name__}")
    root, manifest = _found(_changeable(model_uri))
    extra = {name: value for name, value in manifest.extra.items() if name not in _OF_HINTS}
    manifest = structs.replace(manifest, signature_dict=signature.to_dict(), extra=extra)
    places.artifact_store(root).put(MLMODEL, manifest.to_yaml().encode())


def update_model_requirements(
    model_uri: str | Path, operation: Literal["add", "remove"], requirement_list: Iterable[str]
) -> None:
    """Add lines to a model's requirements, in place of those of the same packages, or remove packages from them.

    Raises:
        InvalidValue: Another operation, or the URI of a registered model's version.
        ModelError: The model has no requirements file, or an environment that cannot be read.
        NotFound: There is no such model.
    """
    if operation not in ("add", "remove"):
        raise InvalidValue(f"the operation is 'add' or 'remove', not {operation!r}")
    if isinstance(requirement_list, str):
        raise InvalidValue(f"requirement_list is a list of lines, not {requirement_list!r}")
    wanted = list(requirement_list)
    root, _ = _found(_changeable(model_uri))
    lines = changed(_text(root, REQUIREMENTS).splitlines(), operation, wanted)
    environment = load_yaml(_text(root, CONDA_ENV), f"{root}/{CONDA_ENV}")
    conda = dump_yaml(_with_pip(environment, operation, wanted), sort_keys=False)
    store = places.artifact_store(root)
    store.put(REQUIREMENTS, "\n".join(lines).encode())
    store.put(CONDA_ENV, conda.encode())


def validate_serving_input(
    model_uri: str | Path, serving_input: str | Mapping[str, Any], *, trusted: Collection[str] = ()
) -> Any:
    """Return what a model answers to the body of a request: that it answers shows that it can be served.

    Raises:
        InvalidValue: The body is none; SchemaMismatch where it does not fit the signature.
        UntrustedTypes: The model needs types that are not trusted.
        NotFound: There is no such model.
    """
    model = load_pyfunc_model(model_uri, trusted=trusted)
    schema = model.signature.inputs if model.signature else None
    data, params = serving_input_of(serving_input, schema)
    return model.predict(data, params)


def _with_pip(environment: Any, operation: str, wanted: list[str]) -> Any:
    """Return a conda environment with its pip section changed."""
    if not isinstance(environment, dict) or not isinstance(environment.get("dependencies"), list):
        raise ModelError(f"the model's {CONDA_ENV} has no list of dependencies")
    rest = [each for each in environment["dependencies"] if not isinstance(each, dict)]
    pip = [line for each in environment["dependencies"] if isinstance(each, dict) for line in each.get("pip") or []]
    return {**environment, "dependencies": [*rest, {"pip": changed([str(line) for line in pip], operation, wanted)}]}


def _text(root: str, name: str) -> str:
    try:
        with places.artifact_store(root).open(name) as file:
            return file.read().decode()
    except NotFound as error:
        raise ModelError(f"the model at {root} has no {name}: it was saved without its dependencies") from error


def _found(uri: str) -> tuple[str, Manifest]:
    """Return where a model's files are, and its MLmodel file. Raises: NotFound, InvalidValue."""
    source = model_sources.find(model_sources.Here(_client.tracking_uri, _client.registry_uri), uri)
    root = source.location or source.source
    manifest = model_sources.manifest_at(root)
    if manifest is None:
        raise NotFound(f"there is no model at {uri!r}: no MLmodel file is there")
    return root, manifest


def _changeable(model_uri: str | Path) -> str:
    uri = str(model_uri)
    if _is_registered(uri):
        raise InvalidValue(f"{uri!r} is a version of a registered model, which stays as it is; name the logged model")
    return uri


def _is_registered(uri: str) -> bool:
    return is_model_uri(uri) and not parse_model_uri(uri).model_id
