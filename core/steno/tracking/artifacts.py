"""Artifacts of a run: files, texts, tables, figures and images in, and out again."""

from __future__ import annotations

import json
import posixpath
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from steno.contracts.paths import artifact_key
from steno.contracts.stores import ArtifactStore
from steno.errors import DamagedModel, InvalidValue, NotFound, UnsafePath
from steno.records import FileInfo, Run, Tags
from steno.tracking import limits, media, places, reading, run_models, tables

if TYPE_CHECKING:
    import pandas as pd

_CHUNK_BYTES = 1 << 20
MOST_URIS = 10_000  # a long process may look at any number of runs
_uris: dict[tuple[str, str], str] = {}


class ArtifactMethods:
    """The part of a client that deals in artifacts. Every write is done when the call returns.

    Every method raises NotFound for an unknown run and UnsafePath for a path that would leave the run.
    """

    @property
    def tracking_uri(self) -> str:
        """The store's address."""
        raise AttributeError("given by the client")

    def artifacts(self, run_id: str) -> ArtifactStore:
        """Return the artifact store of a run, its keys relative to the run's root."""
        known = (self.tracking_uri, limits.run_id(run_id))
        if known not in _uris:
            if len(_uris) >= MOST_URIS:
                _uris.clear()
            _uris[known] = reading.get_run(*known).info.artifact_uri
        return places.artifact_store(_uris[known])

    def log_artifact(self, run_id: str, local_path: str | Path, artifact_path: str | None = None) -> None:
        """Store a local file, or a folder under its own name, below `artifact_path`."""
        source = _existing(local_path)
        if source.is_dir():
            self.log_artifacts(run_id, source, _join(artifact_path, source.name))
        else:
            self.artifacts(run_id).put(artifact_key(_join(artifact_path, source.name)), source)

    def log_artifacts(self, run_id: str, local_dir: str | Path, artifact_path: str | None = None) -> None:
        """Store what a local folder holds below `artifact_path`."""
        folder = _existing(local_dir)
        if not folder.is_dir():
            raise InvalidValue(f"{str(local_dir)!r} is no folder; use log_artifact for a file")
        store = self.artifacts(run_id)
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                store.put(artifact_key(_join(artifact_path, path.relative_to(folder).as_posix())), path)

    def log_text(self, run_id: str, text: str, artifact_file: str) -> None:
        """Store text as UTF-8."""
        self.artifacts(run_id).put(artifact_key(artifact_file), text.encode("utf-8"))

    def log_dict(self, run_id: str, dictionary: Any, artifact_file: str) -> None:
        """Store a value as YAML where the name ends in .yml or .yaml, else as JSON."""
        if artifact_file.endswith((".yml", ".yaml")):
            import yaml

            text = yaml.safe_dump(dictionary, default_flow_style=False, allow_unicode=True, sort_keys=False)
        else:
            text = json.dumps(dictionary, indent=2, default=str)
        self.log_text(run_id, text, artifact_file)

    def log_stream(self, run_id: str, stream: BinaryIO, artifact_file: str) -> None:
        """Store what a binary stream still holds."""
        key = artifact_key(artifact_file)
        with tempfile.NamedTemporaryFile() as file:
            shutil.copyfileobj(stream, file)
            file.flush()
            self.artifacts(run_id).put(key, Path(file.name))

    def log_figure(
        self, run_id: str, figure: Any, artifact_file: str, *, save_kwargs: Mapping[str, Any] | None = None
    ) -> None:
        """Store a matplotlib or plotly figure in the format its name ends in. Raises: TypeError for others."""
        key = artifact_key(artifact_file)
        self.artifacts(run_id).put(key, media.figure_bytes(figure, artifact_file, dict(save_kwargs or {})))

    def log_image(
        self,
        run_id: str,
        image: Any,
        artifact_file: str | None = None,
        key: str | None = None,
        step: int | None = None,
        timestamp: int | None = None,
        synchronous: bool | None = None,
    ) -> None:
        """Store an image (array of shape (H, W) or (H, W, 1|3|4), or PIL) under a name, or as a series `key`."""
        if (artifact_file is None) == (key is None):
            raise InvalidValue("log_image needs either artifact_file or key (with step), not both and not neither")
        picture = media.to_pil(image)
        store = self.artifacts(run_id)
        if artifact_file is not None:
            if step is not None or timestamp is not None:
                raise InvalidValue("step and timestamp go with key, not with artifact_file")
            store.put(artifact_key(artifact_file), media.image_bytes(picture, posixpath.splitext(artifact_file)[1]))
            return
        for name, content in media.image_series(picture, str(key), step or 0, timestamp).items():
            store.put(artifact_key(name), content)
        self._tag(run_id, Tags.LOGGED_IMAGES, "True")

    def log_table(self, run_id: str, data: Any, artifact_file: str) -> None:
        """Store a dict of columns or a DataFrame as .json or .parquet; an existing table grows by its rows."""
        key, store = artifact_key(artifact_file), self.artifacts(run_id)
        table, images = tables.prepare(data, artifact_file)
        for name, content in images.items():
            store.put(artifact_key(name), content)
        try:
            with store.open(key) as file:
                table = tables.append(tables.read(file.read(), artifact_file), table)
        except NotFound:
            pass
        store.put(key, tables.write(table, artifact_file))
        logged = json.loads(self._tags(run_id).get(Tags.LOGGED_ARTIFACTS, "[]"))
        entry = {"path": artifact_file, "type": "table"}
        if entry not in logged:
            self._tag(run_id, Tags.LOGGED_ARTIFACTS, json.dumps([*logged, entry]))

    def load_table(
        self,
        experiment_id: str,
        artifact_file: str,
        run_ids: Sequence[str] | None = None,
        extra_columns: Sequence[str] | None = None,
    ) -> pd.DataFrame:
        """Return a table of several runs in one, with columns of the runs (`run_id`, …) on request.

        Raises:
            NotFound: No run of the experiment has such a table.
        """
        runs = self._runs_with_table(experiment_id, artifact_file, run_ids)
        found = []
        for run in runs:
            with self.artifacts(run.info.run_id).open(artifact_key(artifact_file)) as file:
                table = tables.read(file.read(), artifact_file)
            found.append(tables.with_columns(table, run, extra_columns or ()))
        if not found:
            raise NotFound(f"no run of experiment {experiment_id} has a table {artifact_file!r}")
        return tables.concat(found)

    def list_artifacts(self, run_id: str, path: str | None = None) -> list[FileInfo]:
        """Return the direct children of a folder of the run's artifacts; its logged models are folders too."""
        return self._read(run_id).list(artifact_key(path or "", allow_root=True))

    def download_artifacts(self, run_id: str, path: str = "", dst_path: str | Path | None = None) -> str:
        """Bring a file or folder to this machine and return its local path.

        Without `dst_path` it is a temporary folder, or the artifact itself where it lies on this machine.
        """
        store, key = self.artifact_of(run_id, artifact_key(path, allow_root=True))
        local = store.local_path(key)
        if dst_path is None and local is not None and local.exists():
            return str(local)
        target = Path(dst_path) if dst_path is not None else Path(tempfile.mkdtemp(prefix="steno-"))
        return str(fetch(store, key, target if key else target / posixpath.basename(path)))

    def load_text(self, run_id: str, artifact_file: str) -> str:
        """Return an artifact as text."""
        with self._read(run_id).open(artifact_key(artifact_file)) as file:
            return file.read().decode("utf-8")

    def load_dict(self, run_id: str, artifact_file: str) -> Any:
        """Return a JSON or YAML artifact as a value. Raises: InvalidValue if it is neither."""
        return media.parse_dict(self.load_text(run_id, artifact_file), artifact_file)

    def artifact_of(self, run_id: str, key: str) -> tuple[ArtifactStore, str]:
        """The store and key that a path below a run means: below the name of a logged model it is the newest one's."""
        return self._read(run_id).located(key)

    def _read(self, run_id: str) -> run_models.RunFiles:
        """The artifacts of a run as they are read, its logged models among them."""
        own = self.artifacts(run_id)
        reading.settle(self.tracking_uri, run_id)
        return run_models.RunFiles(self.tracking_uri, run_id, own)

    def _runs_with_table(self, experiment_id: str, artifact_file: str, run_ids: Sequence[str] | None) -> list[Run]:
        from steno.queries import MAX_RESULTS, RunQuery
        from steno.tracking.search import parse_runs

        where, _ = parse_runs(f"tags.`{Tags.LOGGED_ARTIFACTS}` LIKE '%{json.dumps(artifact_file)[1:-1]}%'")
        query = RunQuery((str(experiment_id),), where, max_results=MAX_RESULTS)
        runs = reading.search_runs(self.tracking_uri, query)
        return [run for run in runs if run_ids is None or run.info.run_id in run_ids]

    def _tags(self, run_id: str) -> dict[str, str]:
        return reading.get_run(self.tracking_uri, run_id).data.tags

    def _tag(self, run_id: str, key: str, value: str) -> None:
        from steno.records import Batch

        reading.settle(self.tracking_uri, run_id)
        places.run_store(self.tracking_uri).write(run_id, Batch(tags={key: value}))


def fetch(store: ArtifactStore, key: str, target: Path, limits: Mapping[str, int] | None = None) -> Path:
    """Copy a file or folder of a store into `target`, and return where it now lies.

    Args:
        store: Whose; it may be a stranger's.
        key: What; "" is everything.
        target: A folder, made if it is not there.
        limits: By key, how many bytes a file may have.

    Raises:
        NotFound: There is nothing.
        DamagedModel: A file goes on beyond its limit.
        UnsafePath: The store names something outside the folder, or a link to a folder, which may hold itself.
    """
    children = store.list(key)
    if not children and not key:
        raise NotFound(f"there is nothing at {store.uri}")
    if not children:
        place = target / posixpath.basename(key)
        with store.open(key) as file:
            place.parent.mkdir(parents=True, exist_ok=True)
            with place.open("wb") as copy:
                _copy(file, copy, (limits or {}).get(key), f"{store.uri}/{key}")
        return place
    place = target / posixpath.basename(key) if key else target
    place.mkdir(parents=True, exist_ok=True)
    for child in children:
        fetch(store, _child(store, key, child), place, limits)
    return place


def _copy(source: BinaryIO, target: BinaryIO, limit: int | None, where: str) -> None:
    copied = 0
    while chunk := source.read(_CHUNK_BYTES):
        copied += len(chunk)
        if limit is not None and copied > limit:
            raise DamagedModel(where, [f"it has more than the {limit} bytes that its model says"])
        target.write(chunk)


def _child(store: ArtifactStore, folder: str, child: FileInfo) -> str:
    """Return the key of a folder's child if it is one: a store may be a stranger's, and so is what lies in it."""
    key = artifact_key(child.path)
    if posixpath.dirname(key) != folder:
        raise UnsafePath(f"{store.uri} lists {key!r} as if it lay in {folder or 'its root'!r}; it was not fetched")
    place = store.local_path(key)
    if child.is_dir and place is not None and place.is_symlink():
        raise UnsafePath(f"{place} is a link to a folder, which is not followed; copy what you need from there")
    return key


def _existing(path: str | Path) -> Path:
    found = Path(path)
    if not found.exists():
        raise InvalidValue(f"{str(path)!r} does not exist on this machine")
    return found


def _join(folder: str | None, name: str) -> str:
    return f"{artifact_key(folder)}/{name}" if folder else name
