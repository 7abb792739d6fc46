"""Artifacts of the active run, and artifacts by URI."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from msgspec.structs import replace

from steno.contracts.paths import artifact_key
from steno.errors import InvalidValue, NotFound
from steno.records import FileInfo
from steno.registry import is_model_uri, parse_model_uri
from steno.tracking import experiments, places
from steno.tracking.artifacts import fetch
from steno.tracking.client import Client
from steno.tracking.fluent import require_run

if TYPE_CHECKING:
    import pandas as pd

    from steno.contracts.stores import ArtifactStore

_client = Client()


def log_artifact(local_path: str | Path, artifact_path: str | None = None, run_id: str | None = None) -> None:
    """Store a local file, or a folder under its own name, with the active run. Raises: InvalidValue, UnsafePath."""
    _client.log_artifact(_id(run_id), local_path, artifact_path)


def log_artifacts(local_dir: str | Path, artifact_path: str | None = None, run_id: str | None = None) -> None:
    """Store what a local folder holds with the active run. Raises: InvalidValue, UnsafePath."""
    _client.log_artifacts(_id(run_id), local_dir, artifact_path)


def log_text(text: str, artifact_file: str, run_id: str | None = None) -> None:
    """Store text as an artifact. Raises: UnsafePath."""
    _client.log_text(_id(run_id), text, artifact_file)


def log_dict(dictionary: Any, artifact_file: str, run_id: str | None = None) -> None:
    """Store a value as a JSON or YAML artifact. Raises: UnsafePath."""
    _client.log_dict(_id(run_id), dictionary, artifact_file)


def log_stream(stream: BinaryIO, artifact_file: str, run_id: str | None = None) -> None:
    """Store what a binary stream still holds as an artifact. Raises: UnsafePath."""
    _client.log_stream(_id(run_id), stream, artifact_file)


def log_figure(figure: Any, artifact_file: str, *, save_kwargs: Mapping[str, Any] | None = None) -> None:
    """Store a matplotlib or plotly figure. Raises: TypeError for others, UnsafePath."""
    _client.log_figure(_id(None), figure, artifact_file, save_kwargs=save_kwargs)


def log_image(
    image: Any,
    artifact_file: str | None = None,
    key: str | None = None,
    step: int | None = None,
    timestamp: int | None = None,
    synchronous: bool | None = False,
) -> None:
    """Store an image under a name, or as one step of a series `key`. Raises: InvalidValue, UnsafePath."""
    _client.log_image(_id(None), image, artifact_file, key, step, timestamp)


def log_table(data: Any, artifact_file: str, run_id: str | None = None) -> None:
    """Store a dict of columns or a DataFrame; an existing table grows by its rows. Raises: InvalidValue."""
    _client.log_table(_id(run_id), data, artifact_file)


def load_table(
    artifact_file: str, run_ids: Sequence[str] | None = None, extra_columns: Sequence[str] | None = None
) -> pd.DataFrame:
    """Return a table of the active experiment's runs, in one. Raises: NotFound if no run has it."""
    return _client.load_table(experiments.active_experiment_id(), artifact_file, run_ids, extra_columns)


def get_artifact_uri(artifact_path: str | None = None) -> str:
    """Return where an artifact of the active run is kept, or its root."""
    root = _client.artifacts(_id(None)).uri
    return f"{root}/{artifact_path}" if artifact_path else root


def list_artifacts(
    artifact_uri: str | None = None,
    run_id: str | None = None,
    artifact_path: str | None = None,
    tracking_uri: str | None = None,
) -> list[FileInfo]:
    """Return the direct children of an artifact folder, by URI or by run."""
    if artifact_uri is not None and is_model_uri(artifact_uri):
        parsed = parse_model_uri(artifact_uri)
        root = Client(tracking_uri).model_files(replace(parsed, path=""))
        return places.artifact_store(root).list(artifact_key(parsed.path, allow_root=True))
    uri_run, path = _located(artifact_uri, run_id, artifact_path)
    return Client(tracking_uri).list_artifacts(uri_run, path)


def download_artifacts(
    artifact_uri: str | None = None,
    run_id: str | None = None,
    artifact_path: str | None = None,
    dst_path: str | Path | None = None,
    tracking_uri: str | None = None,
    registry_uri: str | None = None,
) -> str:
    """Bring an artifact to this machine and return its path.

    Args:
        artifact_uri: `runs:/<run id>/<path>`, `models:/<name>/<version>` and its kin, a folder, an artifact URI.
        run_id, artifact_path: The same of a run.
        dst_path: Where to; default a temporary folder, or the artifact itself where it lies on this machine.
        tracking_uri, registry_uri: Where to look; default the chosen ones.

    Raises:
        InvalidValue: Not exactly one of artifact_uri and run_id.
        NotFound: No such artifact.
    """
    if artifact_uri is not None and is_model_uri(artifact_uri):
        return _model_files(Client(tracking_uri, registry_uri), artifact_uri, dst_path)
    if artifact_uri is not None and not artifact_uri.startswith("runs:/"):
        return _bring(places.artifact_store(artifact_uri), dst_path)
    uri_run, path = _located(artifact_uri, run_id, artifact_path)
    return Client(tracking_uri).download_artifacts(uri_run, path, dst_path)


def model_at(model_uri: str) -> Path:
    """Return where the files of a model lie on this machine, brought here if its store is elsewhere.

    Raises:
        NotFound: No such model, or no such artifacts.
        DamagedModel: What came is not what was sealed.
    """
    from steno.tracking import brought  # what it needs takes longer to import than a run that has no model

    if is_model_uri(model_uri):
        parsed = parse_model_uri(model_uri)
        store, key = _model_store(_client, model_uri), artifact_key(parsed.path, allow_root=True)
    elif model_uri.startswith("runs:/"):
        run_id, path = places.split_runs_uri(model_uri)
        store, key = _client.artifact_of(run_id, artifact_key(path, allow_root=True))
    else:
        store, key = places.artifact_store(model_uri), ""
    return brought.model_folder(store, key)


def load_text(artifact_uri: str) -> str:
    """Return an artifact as text, by a URI `runs:/<run id>/<path>`."""
    return _client.load_text(*_located(artifact_uri, None, None))


def load_dict(artifact_uri: str) -> Any:
    """Return a JSON or YAML artifact as a value, by a URI `runs:/<run id>/<path>`."""
    return _client.load_dict(*_located(artifact_uri, None, None))


def load_image(artifact_uri: str) -> Any:
    """Return an image artifact as a PIL image, by a URI `runs:/<run id>/<path>`."""
    from PIL import Image

    run_id, path = _located(artifact_uri, None, None)
    with _client.artifacts(run_id).open(path) as file:
        image = Image.open(file)
        image.load()
        return image


def _model_files(client: Client, uri: str, dst_path: str | Path | None) -> str:
    store, key = _model_store(client, uri), artifact_key(parse_model_uri(uri).path, allow_root=True)
    return _bring(store, dst_path, key)


def _model_store(client: Client, uri: str) -> ArtifactStore:
    parsed = parse_model_uri(uri)
    root = client.model_files(replace(parsed, path=""))
    store = places.artifact_store(root)
    if not parsed.path and not store.list():
        raise NotFound(f"{uri} is registered, and its files are gone: there is nothing at {root}")
    return store


def _bring(store: ArtifactStore, dst_path: str | Path | None, key: str = "") -> str:
    local = store.local_path(key)
    if dst_path is None and local is not None and local.exists():
        return str(local)
    return str(fetch(store, key, Path(dst_path or tempfile.mkdtemp(prefix="steno-"))))


def _located(artifact_uri: str | None, run_id: str | None, path: str | None) -> tuple[str, str]:
    if (artifact_uri is None) == (run_id is None):
        raise InvalidValue("give either artifact_uri (runs:/<run id>/<path>) or run_id")
    return places.split_runs_uri(artifact_uri) if artifact_uri is not None else (str(run_id), path or "")


def _id(run_id: str | None) -> str:
    return run_id or require_run().run_id
