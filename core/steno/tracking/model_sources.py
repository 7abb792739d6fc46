"""From what names a model to where its files are, and to what made it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

from msgspec import Struct

from steno.errors import InvalidValue, ModelError, NotFound, UnknownScheme
from steno.model_records import LoggedModelStatus, ModelVersion
from steno.records import LifecycleStage
from steno.registry import ModelUri, find_version, is_model_uri, parse_model_uri, rules
from steno.tracking import places, reading, run_models

if TYPE_CHECKING:
    from steno.contracts.registry import RegistryStore
    from steno.models.manifest import Manifest
    from steno.records import Run

MOST_COPIES = 100
_MOST_BYTES = 16 * 2**20
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")  # `s3:/x` is one as `s3://x` is; C:/x is a path


class Source(Struct, frozen=True):
    """What a version is made from: see the fields of `ModelVersion`."""

    source: str
    location: str = ""
    run_id: str = ""
    model_id: str = ""


class Here(Struct, frozen=True):
    """Where to look: the stores of runs and of registered models."""

    tracking_uri: str
    registry_uri: str

    @property
    def registry(self) -> RegistryStore:
        """The store of registered models."""
        return places.registry_store(self.registry_uri)

    def run(self, run_id: str) -> Run:
        """Return a run. Raises: NotFound, InvalidValue for what is no run id."""
        return reading.get_run(self.tracking_uri, run_id)


def find(here: Here, uri: str) -> Source:
    """Return what a model that is to be registered comes from.

    Raises:
        NotFound: There is no model.
        InvalidValue: The URI is not allowed.
    """
    rules.source(uri)
    if is_model_uri(uri):
        return _of_model_uri(here, uri)
    root, run_id = uri, ""
    if uri.startswith(rules.RUNS):
        run_id, path = places.split_runs_uri(uri)
        info = here.run(run_id).info
        logged = run_models.find_model(here.tracking_uri, run_id, path)
        if logged is not None and not logged[1]:
            return Source(logged[0].model_uri, logged[0].artifact_location, run_id, logged[0].model_id)
        root = _below(info.artifact_uri, path)
    root = absolute(root)
    manifest = manifest_at(root)
    if manifest is None:
        raise NotFound(f"there is no model at {uri!r}: no MLmodel file is there")
    made_by = run_id or _known_run(here, manifest.run_id)
    return Source(root, run_id=made_by, model_id=manifest.model_id or "")


def check(here: Here, source: str, run_id: str, model_id: str) -> Source:
    """Return the source of a version, completed, that someone gives with what made it.

    Raises:
        InvalidValue: One contradicts the other, or there is no such run or version.
    """
    rules.source(source)
    if source.startswith(rules.RUNS):
        of_run, _ = places.split_runs_uri(source)
        if run_id and run_id != of_run:
            raise InvalidValue(f"the source {source!r} is of run {of_run}, not of run {run_id}")
        run_id = of_run
    try:
        if run_id:
            here.run(run_id)
        if not is_model_uri(source):
            return Source(absolute(source), run_id=run_id, model_id=model_id)
        found = _of_model_uri(here, source)
    except NotFound as error:
        raise InvalidValue(f"the source {source!r} cannot be: {error.message}") from error
    for kind, given, known in (("run", run_id, found.run_id), ("model", model_id, found.model_id)):
        if given and known and given != known:
            raise InvalidValue(f"the source {source!r} is of {kind} {known}, not of {kind} {given}")
    return Source(found.source, found.location, run_id or found.run_id, model_id or found.model_id)


def files(here: Here, uri: ModelUri) -> str:
    """Return the artifact URI of what a `models:/` URI stands for now.

    Raises:
        NotFound: There is no such model or version.
        InvalidValue: The model has no such alias.
        ModelError: Another model lies where the version's was.
    """
    if uri.model_id:
        return _below(_of_id(here, uri)[0], uri.path)
    version = find_version(here.registry, uri)
    root = files_of(here, version)
    if version.model_id and not _is_of(root, version.model_id):
        raise ModelError(
            f"{root} holds another model than the one registered as version {version.version} of {version.name!r}, "
            f"{version.model_id}: it was overwritten"
        )
    return _below(root, uri.path)


def files_of(here: Here, version: ModelVersion) -> str:
    """Return the artifact URI of a version's files. Raises: NotFound if what its source names is gone."""
    where = version.location or version.source
    for _ in range(MOST_COPIES):
        if where.startswith(rules.RUNS):
            run_id, path = places.split_runs_uri(where)
            info = here.run(run_id).info
            logged = run_models.find_model(here.tracking_uri, run_id, path)
            if logged is not None:
                return _below(logged[0].artifact_location, logged[1])
            return _below(info.artifact_uri, path)
        if not is_model_uri(where):
            return where
        parsed = parse_model_uri(where)
        if parsed.model_id:
            return _of_id(here, parsed)[0]
        origin = find_version(here.registry, parsed)
        where = origin.location or origin.source
    raise InvalidValue(f"version {version.version} of {version.name!r} is a copy of a copy without end")


def absolute(uri: str) -> str:
    """Return a source that means the same from every folder and process: paths are made absolute."""
    from pathlib import Path

    if uri.startswith("file:") and not uri.startswith("file://"):
        return str(Path(unquote(uri.removeprefix("file:"))).absolute())
    if _ADDRESS.match(uri):
        return uri
    return str(Path(uri).expanduser().absolute())


def _of_model_uri(here: Here, uri: str) -> Source:
    parsed = parse_model_uri(uri)
    if parsed.path:
        raise InvalidValue(f"{uri!r} is not a model but something inside one; leave out {parsed.path!r}")
    if parsed.model_id:
        root, run_id = _of_id(here, parsed)
        return Source(str(parsed), root, run_id, parsed.model_id)
    version = find_version(here.registry, parsed)
    where = files_of(here, version)
    return Source(f"models:/{version.name}/{version.version}", where, version.run_id, version.model_id)


def _of_id(here: Here, uri: ModelUri) -> tuple[str, str]:
    """Return where the files of a model are that was logged under an id, and its run. Raises: NotFound."""
    store = places.run_store(here.tracking_uri)
    try:
        found = store.get_logged_model(uri.model_id)
    except NotFound:
        reading.settle(here.tracking_uri)
        try:
            found = store.get_logged_model(uri.model_id)
        except NotFound as error:
            hint = f"; of a registered model of that name, the highest version is models:/{uri.model_id}/latest"
            shown = "" if uri.model_id.startswith("m-") else hint
            raise NotFound(f"no model was logged with the id {uri.model_id!r}{shown}") from error
    if found.lifecycle_stage == LifecycleStage.DELETED:
        raise NotFound(f"the model {uri.model_id} is deleted: Client().restore_logged_model(...) brings it back")
    if found.status == LoggedModelStatus.FAILED:
        raise NotFound(f"the model {uri.model_id} has no files: {found.status_message or 'it could not be written'}")
    return found.artifact_location, found.source_run_id or ""


def _is_of(root: str, model_id: str) -> bool:
    """Whether the model at an artifact URI says that it has an id; what cannot be looked into, or is gone, has it."""
    try:
        with places.artifact_store(root).open("MLmodel") as file:
            content = file.read(_MOST_BYTES)
    except (UnknownScheme, NotFound):
        return True
    # Not parsed, which would take longer than all the rest: the loader does that.
    line = rf"^model_(?:id|uuid): ['\"]?{re.escape(model_id)}['\"]?\s*$"
    return re.search(line.encode(), content, re.MULTILINE) is not None


def manifest_at(root: str) -> Manifest | None:
    """Return the MLmodel file at an artifact URI, None if there is none.

    What nothing installed can look into is taken on trust: an empty one. Raises: ModelError if it cannot be read.
    """
    # A run that logs no model needs none of this.
    from steno.models.layout import MLMODEL
    from steno.models.manifest import Manifest, load_yaml

    try:
        with places.artifact_store(root).open(MLMODEL) as file:
            content = load_yaml(file.read(_MOST_BYTES), f"{root}/{MLMODEL}")
    except UnknownScheme:
        return Manifest(flavors={})
    except NotFound:
        return None
    if not isinstance(content, dict):
        raise ModelError(f"{root}/{MLMODEL} holds no map")
    return Manifest.from_dict(content)


def _known_run(here: Here, run_id: str | None) -> str:
    """The run that a model says it is of, if it is one of this store."""
    try:
        return here.run(run_id).info.run_id if run_id else ""
    except (NotFound, InvalidValue):
        return ""


def _below(root: str, path: str) -> str:
    return f"{root.rstrip('/')}/{path}" if path else root
