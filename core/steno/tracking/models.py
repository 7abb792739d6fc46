"""Models: logged, with their run if there is one, and found again by URI. What is on disk is `steno.models`' matter."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from steno.contracts.paths import artifact_key
from steno.errors import InvalidValue, NotFound
from steno.model_records import LoggedModel, LoggedModelStatus
from steno.models import persist
from steno.models.manifest import Manifest
from steno.models.pyfunc import PyFuncModel, load_pyfunc
from steno.models.signature import ModelSignature
from steno.records import Batch, ModelOutput, ModelStart
from steno.registry import rules
from steno.tracking import context, current_model, ending, experiments, files, limits, places, reading
from steno.tracking.client import Client
from steno.tracking.logged_models import EXTERNAL, new_model_id
from steno.tracking.run import ActiveRun
from steno.tracking.spool import files_of
from steno.tracking.verifying import UNTIL_THEN, verifier

_client = Client()
DEFAULT_PATH = "model"


class ModelInfo(Struct, frozen=True):
    """A model as it was just logged: what its files say of it, and what the store does."""

    logged: LoggedModel
    manifest: Manifest
    registered_model_version: str | None = None
    uri: str = ""

    @property
    def model_uri(self) -> str:
        """What names it wherever a model is asked for: `models:/<model id>`, or where one that was not logged is."""
        return self.uri or self.logged.model_uri

    @property
    def artifact_path(self) -> str:
        """Where its files are."""
        return self.logged.artifact_location

    @property
    def run_id(self) -> str | None:
        """The run that made it, None if none did."""
        return self.logged.source_run_id

    @property
    def model_uuid(self) -> str:
        """The id under its old name."""
        return self.logged.model_id

    def __getattr__(self, name: str) -> Any:
        for part in ("logged", "manifest"):
            if name in getattr(self, part).__struct_fields__:
                return getattr(getattr(self, part), name)
        raise AttributeError(f"ModelInfo has no attribute {name!r}")

    @property
    def signature(self) -> ModelSignature | None:
        """The signature, None if the model has none."""
        return self.manifest.signature


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
    params: Mapping[str, Any] | None = None,
    tags: Mapping[str, Any] | None = None,
    model_type: str | None = None,
    step: int = 0,
    model_id: str | None = None,
    verify: bool = False,
    **options: Any,
) -> ModelInfo:
    """Write a model as an entity of its own, which no later one overwrites.

    It is an output of the active run, if there is one: `runs:/<run id>/<name>` means the newest of that name. The run's
    params are its params, and metrics of the run at `step`, before and after, are its metrics.

    Args:
        model: The trained model.
        artifact_path, name: What it is called, in an older and the newer spelling; "model" by default.
        run_id: Another run than the active one.
        registered_model_name: Make it the next version of this registered model, which is created if it is missing.
        await_registration_for: Accepted as MLflow's users give it; versions are ready at once.
        params, tags, model_type, step: Of the logged model; the step of the run at which it is made.
        model_id: A logged model that was initialized, whose files these are.
        verify: Try it in a clean process once the run has ended; what comes of it is in the tag `steno.verified`.
        options: As for `steno.models.save_model`.

    Raises:
        InvalidValue: Both spellings, or a name that is not allowed.
        ModelError: No flavor is for this model, or it cannot be written.
        NotFound: No such run, or no such logged model.
    """
    if registered_model_name is not None:
        rules.model_name(registered_model_name)  # before anything is written
    run = context.active_run() if run_id is None else ending.open_run_of(run_id)
    chosen = ModelStart(
        model_id or new_model_id(),
        _path(name, artifact_path),
        time.time_ns() // 1_000_000,
        limits.integer("step", step),
        model_type,
        limits.model_params(params or {}),
        {**current_model.origin_of(run), **limits.registry_tags(tags or {}), **(UNTIL_THEN if verify else {})},
    )
    return _log(model, chosen, run, run_id, model_id is None, registered_model_name, verify, options)


def _path(name: str | None, artifact_path: str | None) -> str:
    if name is not None and artifact_path is not None:
        raise InvalidValue("name and artifact_path are two spellings of one thing; give one")
    return artifact_key(name or artifact_path or DEFAULT_PATH)


def _log(
    model: Any,
    start: ModelStart,
    run: ActiveRun | None,
    run_id: str | None,
    fresh: bool,
    registered_model_name: str | None,
    verify: bool,
    options: dict[str, Any],
) -> ModelInfo:
    owner = run.run_id if run is not None else run_id
    with tempfile.TemporaryDirectory(prefix="steno-model-") as place:
        folder = Path(place) / "model"
        where = {"run_id": owner, "artifact_path": start.name, "model_id": start.model_id}
        manifest = persist.save_model(model, folder, **{**where, **options})
        logged = _keep(owner, start, folder, fresh=fresh)
    if run is not None:
        run.models[start.step] = start.model_id
    current_model.remember_last(start.model_id)
    version = None
    if registered_model_name is not None:
        version = _client.register_logged(registered_model_name, logged).version
    if verify:
        verifier.submit(start.model_id, _client.tracking_uri, (registered_model_name or "", version or ""), run)
    return ModelInfo(logged, manifest, version)


def _keep(owner: str | None, start: ModelStart, folder: Path, *, fresh: bool) -> LoggedModel:
    """Make the entity, put its files into its place, and say how that went."""
    store = places.run_store(_client.tracking_uri)
    if not fresh:
        _client.log_model_params(start.model_id, start.params)
        _client.set_logged_model_tags(start.model_id, start.tags)
        if owner is not None:
            store.write(owner, Batch(outputs=[ModelOutput(start.model_id, start.step)]))
    elif owner is not None:
        reading.settle(_client.tracking_uri, owner)
        store.write(owner, Batch(models=[start]))
    else:
        experiment = experiments.active_experiment_id()
        store.create_logged_model(
            experiment,
            start.model_id,
            start.name,
            model_type=start.model_type,
            params=start.params,
            tags=start.tags,
        )
    try:
        artifacts = places.artifact_store(store.get_logged_model(start.model_id).artifact_location)
        for key, file in files_of(folder):
            artifacts.put(key, file, move=True)
    except BaseException as error:
        store.finalize_logged_model(start.model_id, LoggedModelStatus.FAILED.value, str(error)[:500])
        raise
    if not fresh and EXTERNAL in store.get_logged_model(start.model_id).tags:
        store.delete_logged_model_tag(start.model_id, EXTERNAL)  # its files are here now
    return store.finalize_logged_model(start.model_id, LoggedModelStatus.READY.value)


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
    folder = files.model_at(uri) if dst_path is None else Path(files.download_artifacts(uri, dst_path=dst_path))
    if not folder.exists():
        raise NotFound(f"there is no model at {uri!r}")
    return folder
