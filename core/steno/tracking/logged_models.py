"""Logged models by id: made, searched, changed, and their files."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from steno.contracts.paths import artifact_key
from steno.contracts.stores import ArtifactStore, RunStore
from steno.errors import InvalidValue, NotFound
from steno.model_records import LoggedModel, LoggedModelStatus
from steno.queries import LoggedModelQuery
from steno.records import FileInfo, LifecycleStage, Page, Run
from steno.tracking import limits, places, reading
from steno.tracking.artifacts import fetch
from steno.tracking.names import random_name
from steno.tracking.search import parse_datasets, parse_logged_models
from steno.tracking.spool import files_of

PAGE = 50
EXTERNAL = "mlflow.model.isExternal"


def new_model_id() -> str:
    """Return a fresh id for a model that is about to be logged."""
    return f"m-{uuid.uuid4().hex}"


class LoggedModelMethods:
    """The part of a client that deals in logged models.

    Every method that takes a model's id raises NotFound if there is none, or it is deleted.
    """

    @property
    def tracking_uri(self) -> str:
        """The store's address."""
        raise AttributeError("given by the client")

    @property
    def store(self) -> RunStore:
        """The store itself."""
        raise AttributeError("given by the client")

    def create_logged_model(
        self,
        experiment_id: str,
        name: str | None = None,
        source_run_id: str | None = None,
        tags: Mapping[str, Any] | None = None,
        params: Mapping[str, Any] | None = None,
        model_type: str | None = None,
    ) -> LoggedModel:
        """Create a model, PENDING until it is finalized, under a random name if none is given.

        Raises:
            NotFound: No such experiment.
            InvalidValue: A name, param or tag that is not allowed.
            RunStateError: The experiment is deleted.
        """
        return self.store.create_logged_model(
            str(experiment_id),
            new_model_id(),
            limits.logged_model_name(name) if name else random_name(),
            source_run_id=limits.run_id(source_run_id) if source_run_id else None,
            model_type=model_type,
            params=limits.model_params(params or {}),
            tags=limits.registry_tags(tags or {}),
        )

    def get_logged_model(self, model_id: str) -> LoggedModel:
        """Return a model as it stands now, with what this process has logged."""
        found = self._found(model_id)
        if found.lifecycle_stage == LifecycleStage.DELETED:
            raise NotFound(
                f"logged model {model_id} is deleted: `steno models logged restore {model_id}` brings it back"
            )
        return found

    def finalize_logged_model(self, model_id: str, status: str) -> LoggedModel:
        """Set the status: "READY" or "FAILED". Raises: InvalidValue."""
        chosen = _status(status)
        self.get_logged_model(model_id)
        return self.store.finalize_logged_model(model_id, chosen)

    def delete_logged_model(self, model_id: str) -> None:
        """Mark a model deleted; `restore_logged_model` brings it back until `steno gc`. Deleted already is no error."""
        self._found(model_id)
        self.store.delete_logged_model(model_id)

    def restore_logged_model(self, model_id: str) -> None:
        """Bring a deleted model back."""
        self.store.restore_logged_model(_id(model_id))

    def log_model_params(self, model_id: str, params: Mapping[str, Any]) -> None:
        """Add params, all or none. Raises: InvalidValue, ParamConflict where one is there with another value."""
        checked = limits.model_params(params)
        self.get_logged_model(model_id)
        self.store.log_logged_model_params(model_id, checked)

    def set_logged_model_tags(self, model_id: str, tags: Mapping[str, Any]) -> None:
        """Set tags. Raises: InvalidValue."""
        checked = limits.registry_tags(tags)
        self.get_logged_model(model_id)
        self.store.set_logged_model_tags(model_id, checked)

    def delete_logged_model_tag(self, model_id: str, key: str) -> None:
        """Remove a tag. Raises: NotFound, also where the model has no such tag."""
        self.get_logged_model(model_id)
        self.store.delete_logged_model_tag(model_id, limits.check_key("tag", key))

    def search_logged_models(
        self,
        experiment_ids: Sequence[str],
        filter_string: str | None = None,
        datasets: Sequence[Mapping[str, Any]] | None = None,
        max_results: int | None = None,
        order_by: Sequence[Mapping[str, Any] | str] | None = None,
        page_token: str | None = None,
    ) -> Page[LoggedModel]:
        """Return one page of models, the newest first by default.

        Args:
            experiment_ids: Where to look.
            filter_string: As `metrics.accuracy > 0.9 AND params.alpha = '0.1' AND name LIKE 'churn%'`.
            datasets: Dicts with `dataset_name` and `dataset_digest`: only metrics on one of these count.
            max_results: Models at most; 50 by default.
            order_by: Dicts with `field_name`, `ascending`, and of a metric `dataset_name` and `dataset_digest`.
            page_token: Of the page before.

        Raises:
            FilterError: The filter or an order does not parse; names the position.
            InvalidValue: An argument of another form, or a token of another search.
        """
        if isinstance(experiment_ids, str):
            raise InvalidValue(f"experiment_ids is a list: [{experiment_ids!r}]")
        where, order = parse_logged_models(filter_string, order_by or ())
        size = limits.page_size(PAGE if max_results is None else max_results)
        ids = tuple(str(each) for each in experiment_ids)
        wanted = parse_datasets(datasets or ())
        reading.settle(self.tracking_uri)
        query = LoggedModelQuery(ids, where, order, wanted, max_results=size, page_token=page_token)
        return self.store.search_logged_models(query)

    def get_logged_model_run(self, model_id: str) -> Run | None:
        """Return the run that made a model, with its params, metrics and data; None if none did, or it is gone."""
        source = self.get_logged_model(model_id).source_run_id
        try:
            return reading.get_run(self.tracking_uri, source) if source else None
        except NotFound:
            return None

    # -- files -------------------------------------------------------------------------------------------------

    def log_model_artifact(self, model_id: str, local_path: str | Path, artifact_path: str | None = None) -> None:
        """Store a local file with a model. Raises: InvalidValue, UnsafePath."""
        source = Path(local_path)
        if not source.is_file():
            raise InvalidValue(f"{str(local_path)!r} is no file on this machine; for a folder use log_model_artifacts")
        self._put(model_id, {f"{artifact_path}/{source.name}" if artifact_path else source.name: source})

    def log_model_artifacts(self, model_id: str, local_dir: str | Path, artifact_path: str | None = None) -> None:
        """Store what a local folder holds with a model. Raises: InvalidValue, UnsafePath."""
        if not Path(local_dir).is_dir():
            raise InvalidValue(f"{str(local_dir)!r} is no folder on this machine; use log_model_artifact for a file")
        below = f"{artifact_path}/" if artifact_path else ""
        self._put(model_id, {below + key: file for key, file in files_of(Path(local_dir))})

    def list_logged_model_artifacts(self, model_id: str, path: str | None = None) -> list[FileInfo]:
        """Return the direct children of a folder of a model's files."""
        return self.logged_model_artifacts(model_id).list(artifact_key(path or "", allow_root=True))

    def download_logged_model_artifacts(self, model_id: str, path: str = "", dst_path: str | Path | None = None) -> str:
        """Bring files of a model to this machine, and return where they are."""
        store, key = self.logged_model_artifacts(model_id), artifact_key(path, allow_root=True)
        local = store.local_path(key)
        if dst_path is None and local is not None and local.exists():
            return str(local)
        return str(fetch(store, key, Path(dst_path or tempfile.mkdtemp(prefix="steno-"))))

    def logged_model_artifacts(self, model_id: str) -> ArtifactStore:
        """Return the artifact store of a model, its keys relative to the model's own place."""
        return places.artifact_store(self.get_logged_model(model_id).artifact_location)

    def _put(self, model_id: str, files: Mapping[str, Path]) -> None:
        store = self.logged_model_artifacts(model_id)
        for key, file in files.items():
            store.put(artifact_key(key), file)
        if EXTERNAL in self._found(model_id).tags:  # its files are here now
            self.store.delete_logged_model_tag(model_id, EXTERNAL)

    def _found(self, model_id: str) -> LoggedModel:
        reading.settle(self.tracking_uri)
        return self.store.get_logged_model(_id(model_id))


def _id(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise InvalidValue(f"a logged model's id is text such as m-0123…, not {value!r}")
    return value


def _status(value: Any) -> str:
    text = str(value).upper().removeprefix("LOGGED_MODEL_").removeprefix("UPLOAD_")
    if text not in set(LoggedModelStatus) - {LoggedModelStatus.UNSPECIFIED}:
        raise InvalidValue(f"unknown status of a logged model {value!r}; known: READY, FAILED, PENDING")
    return text
