"""Models of runs: logged as artifacts, found again by URI. What is on disk is `steno.models`' matter."""

from __future__ import annotations

import itertools
import json
import tempfile
import uuid
from collections.abc import Collection
from pathlib import Path
from typing import Any

from msgspec import Struct

from steno.errors import InvalidValue, NotFound, UnknownScheme
from steno.models import persist
from steno.models.manifest import Manifest
from steno.models.pyfunc import PyFuncModel, load_pyfunc
from steno.models.signature import ModelSignature
from steno.records import Batch, ModelOutput, Tags
from steno.registry import rules
from steno.tracking import files, fluent, model_sources, places, reading
from steno.tracking.artifacts import ArtifactMethods
from steno.tracking.client import Client

_client = Client()
DEFAULT_PATH = "model"


class ModelInfo(Struct, frozen=True):
    """Where a model was logged, and what it says of itself."""

    artifact_path: str
    model_uri: str
    run_id: str
    manifest: Manifest
    registered_model_version: str | None = None

    @property
    def flavors(self) -> dict[str, dict[str, Any]]:
        """Section by flavor name."""
        return self.manifest.flavors

    @property
    def signature(self) -> ModelSignature | None:
        """The signature, None if the model has none."""
        return self.manifest.signature

    @property
    def model_id(self) -> str | None:
        """The id of the model as it was logged: `models:/<model id>` names it."""
        return self.manifest.model_id

    @property
    def model_uuid(self) -> str | None:
        """The model's own id."""
        return self.manifest.model_uuid


def save_model(model: Any, path: str | Path, **options: Any) -> Manifest:
    """Write a model to a folder that is absent or empty; see `steno.models.persist.save_model` for the options.

    Raises:
        ModelError: No flavor is for this model, or it cannot be written.
    """
    return persist.save_model(model, path, **options)


def log_model(
    model: Any,
    artifact_path: str | None = None,
    *,
    name: str | None = None,
    run_id: str | None = None,
    registered_model_name: str | None = None,
    await_registration_for: int | None = 300,
    **options: Any,
) -> ModelInfo:
    """Write a model to the active run's artifacts, under `name` (or `artifact_path`, its older spelling).

    Args:
        model: The trained model.
        artifact_path, name: Where in the run's artifacts. A model that is there already is replaced; one that is
            registered stays, and this one is written beside it (`model_uri` of the result says where).
        run_id: Another run than the active one.
        registered_model_name: Make it the next version of this registered model, which is created if it is missing.
        await_registration_for: Accepted as MLflow's users give it; versions are ready at once.
        options: As for `steno.models.save_model`.

    Raises:
        InvalidValue: Both spellings, or a name that cannot be registered.
        ModelError: No flavor is for this model, or it cannot be written.
    """
    if name is not None and artifact_path is not None:
        raise InvalidValue("name and artifact_path are two spellings of one thing; give one")
    if registered_model_name is not None:
        rules.model_name(registered_model_name)  # before anything is written
    owner = run_id or fluent.require_run().run_id
    path = _free(owner, name or artifact_path or DEFAULT_PATH)
    with tempfile.TemporaryDirectory(prefix="steno-model-") as folder:
        where = {"run_id": owner, "artifact_path": path, "model_id": new_model_id()}
        manifest = persist.save_model(model, Path(folder) / "model", **{**where, **options})
        _client.log_artifacts(owner, Path(folder) / "model", path)
    remember(_client, owner, path, manifest)
    version = None
    if registered_model_name is not None:
        where_it_is, model_id = f"{_client.artifacts(owner).uri}/{path}", manifest.model_id or ""
        version = _client.register_logged(registered_model_name, owner, where_it_is, model_id).version
    return ModelInfo(path, f"runs:/{owner}/{path}", owner, manifest, version)


def _free(run_id: str, path: str) -> str:
    """Return where a model may be written: at its path, or beside it where a registered version has its files."""
    if not _client.list_artifacts(run_id, path):
        return path
    try:
        taken = {each.location or each.source for each in _client.list_model_versions_of_run(run_id)}
    except UnknownScheme:  # nothing keeps registered models with these runs
        return path
    roots = (model_sources.absolute(_client.artifacts(run_id).uri), f"runs:/{run_id}")
    beside = (f"{path}-{number}" for number in itertools.count(2))
    return next(each for each in itertools.chain([path], beside) if not taken & {f"{root}/{each}" for root in roots})


def new_model_id() -> str:
    """Return a fresh id for a model that is about to be logged."""
    return f"m-{uuid.uuid4().hex}"


def remember(client: ArtifactMethods, run_id: str, path: str, manifest: Manifest) -> None:
    """Add a model to the run's list of models, as MLflow's users and tools read it."""
    reading.settle(client.tracking_uri, run_id)
    store = places.run_store(client.tracking_uri)
    history = json.loads(store.get_run(run_id).data.tags.get(Tags.LOG_MODEL_HISTORY, "[]"))
    history.append(history_entry(run_id, path, manifest))
    outputs = [ModelOutput(manifest.model_id)] if manifest.model_id else []
    store.write(run_id, Batch(tags={Tags.LOG_MODEL_HISTORY: json.dumps(history)}, outputs=outputs))


def history_entry(run_id: str, path: str, manifest: Manifest) -> dict[str, Any]:
    """One model in the tag `mlflow.log-model.history`."""
    return {
        "run_id": run_id,
        "artifact_path": path,
        "utc_time_created": manifest.utc_time_created,
        "model_uuid": manifest.model_uuid,
        "flavors": manifest.flavors,
    }


def load_model(model_uri: str | Path, dst_path: str | Path | None = None, *, trusted: Collection[str] = ()) -> Any:
    """Return a model as its framework's own object.

    Args:
        model_uri: A folder, `runs:/<run id>/<path>`, `models:/<name>/<version>`, `models:/<name>@<alias>`,
            `models:/<name>/<stage>`, `models:/<model id>`, or the URI of a folder of artifacts.
        dst_path: Where to copy it first.
        trusted: Qualified names of types it may construct beyond its framework's own.

    Raises:
        UntrustedTypes: It needs other types; nothing was executed. The error names them.
        NotFound: There is no such model.
    """
    return persist.load_model(local_folder(model_uri, dst_path), trusted=trusted)


def load_pyfunc_model(
    model_uri: str | Path,
    suppress_warnings: bool = False,
    dst_path: str | Path | None = None,
    model_config: dict[str, Any] | None = None,
    *,
    trusted: Collection[str] = (),
) -> PyFuncModel:
    """Return a model behind one interface, `predict(data, params=None)`, whatever its framework.

    Raises:
        UntrustedTypes: It needs types that are not trusted; nothing was executed.
        NotFound: There is no such model.
    """
    folder = local_folder(model_uri, dst_path)
    return load_pyfunc(folder, trusted=trusted, suppress_warnings=suppress_warnings, model_config=model_config)


def local_folder(model_uri: str | Path, dst_path: str | Path | None = None) -> Path:
    """Return where a model lies on this machine, brought here first if it does not.

    Raises:
        NotFound: There is nothing.
        InvalidValue: A URI that is malformed, or an alias that the registered model does not have.
    """
    uri = str(model_uri)
    if uri.startswith("runs:/"):
        run_id, path = places.split_runs_uri(uri)
        if not _client.list_artifacts(run_id, path):
            raise NotFound(f"run {run_id} has no model at {path!r}; `steno artifacts list {run_id}` shows what it has")
        return Path(_client.download_artifacts(run_id, path, dst_path))
    folder = Path(files.download_artifacts(uri, dst_path=dst_path))
    if not folder.exists():
        raise NotFound(f"there is no model at {uri!r}")
    return folder
