"""Models in a store that is no folder: logged there, brought here once, bounded and as they were sealed."""

from __future__ import annotations

import io
import os
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import steno
from sklearn.linear_model import LinearRegression
from steno.contracts.paths import artifact_key
from steno.errors import DamagedModel, NotFound
from steno.hookspecs import hookimpl
from steno.plugins import plugins
from steno.records import FileInfo
from steno.testing.stores import ArtifactStoreSuite
from steno.tracking import brought

reads: list[str] = []


class RowStore:
    """An ArtifactStore as a stranger might write it: each file is a row of an SQLite file."""

    def __init__(self, uri: str) -> None:
        file, _, folder = uri.removeprefix("rows://").partition(".rows")
        self.uri, self._file, self._folder = uri, f"{file}.rows", folder.strip("/")

    def put(self, key: str, source: Path | bytes, *, move: bool = False) -> None:
        try:
            content = source if isinstance(source, bytes) else source.read_bytes()
        except OSError as error:
            raise NotFound(str(error)) from error
        self._sql("REPLACE INTO file VALUES (?, ?)", self._path(artifact_key(key)), content)
        if move and isinstance(source, Path):
            source.unlink()

    def open(self, key: str) -> io.BytesIO:
        rows = self._sql("SELECT content FROM file WHERE path = ?", self._path(artifact_key(key)))
        if not rows:
            raise NotFound(f"{self.uri} has no {key}")
        reads.append(key)
        return io.BytesIO(rows[0][0])

    def list(self, key: str = "") -> list[FileInfo]:
        root, found = f"{self._path(artifact_key(key, allow_root=True))}/".lstrip("/"), {}
        for path, size in self._sql(
            "SELECT path, length(content) FROM file WHERE substr(path, 1, ?) = ?", len(root), root
        ):
            name, slash, _ = path[len(root) :].partition("/")
            found[name] = FileInfo(f"{key}/{name}".lstrip("/"), bool(slash), None if slash else size)
        return [found[name] for name in sorted(found)]

    def delete(self, key: str = "") -> None:
        path = self._path(artifact_key(key, allow_root=True))
        root = f"{path}/".lstrip("/")
        self._sql("DELETE FROM file WHERE path = ? OR substr(path, 1, ?) = ?", path, len(root), root)

    def local_path(self, key: str = "") -> None:
        return None

    def _path(self, key: str) -> str:
        return f"{self._folder}/{key}".strip("/")

    def _sql(self, statement: str, *values: object) -> list[tuple]:
        Path(self._file).parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(self._file, timeout=30)) as connection, connection:
            connection.execute("CREATE TABLE IF NOT EXISTS file (path TEXT PRIMARY KEY, content BLOB NOT NULL)")
            return connection.execute(statement, values).fetchall()


class TestRowStore(ArtifactStoreSuite):
    def make_store(self, folder):
        return RowStore(f"rows://{folder}/a.rows")


@hookimpl
def steno_register_stores(register):
    register.artifacts("rows", f"{__name__}:RowStore")


@pytest.fixture(scope="module", autouse=True)
def offered():
    sys.modules.setdefault(__name__, SimpleNamespace(RowStore=RowStore))
    found = plugins().stores.artifact_stores
    if "rows" not in found.offers:
        assert plugins().register(SimpleNamespace(steno_register_stores=steno_register_stores), "rows")


@pytest.fixture
def logged(tracking, tmp_path):
    """A model in an experiment whose artifacts are rows; gives its info, the model and the store of its files."""
    location = f"rows://{tmp_path}/elsewhere.rows/artifacts"
    steno.set_experiment(experiment_id=steno.create_experiment("away", artifact_location=location))
    model = LinearRegression().fit(np.arange(12.0).reshape(6, 2), np.arange(6.0))
    with steno.start_run():
        info = steno.log_model(model, name="model", registered_model_name="Away", input_example=np.ones((1, 2)))
    reads.clear()
    yield info, model, RowStore(info.artifact_path)
    brought.forget()


def uris(info) -> list[str]:
    return [info.model_uri, f"runs:/{info.run_id}/model", "models:/Away/1", info.artifact_path]


def test_a_model_is_logged_registered_and_loaded_by_every_uri_where_artifacts_are_no_files(logged):
    info, model, _ = logged
    X = np.random.default_rng(0).random((5, 2))
    for uri in uris(info):
        np.testing.assert_array_equal(steno.load_model(uri).predict(X), model.predict(X))
        loaded = steno.pyfunc.load_model(uri)
        np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
        np.testing.assert_array_equal(loaded.input_example, np.ones((1, 2)))


def test_what_was_brought_once_is_not_brought_again_but_what_changed_is(logged):
    info, _, store = logged
    for _ in range(3):
        steno.load_model(info.model_uri)
    assert reads.count("model.skops") == 1
    store.put("MLmodel", store.open("MLmodel").read() + b"metadata: {new: 1}\n")
    assert steno.pyfunc.load_model(info.model_uri).metadata.metadata == {"new": 1}
    assert reads.count("model.skops") == 2


@pytest.mark.parametrize(
    "damage", [lambda data: data[:-100], lambda data: b"?" * len(data), lambda data: data + b"\0" * 9_000_000]
)
def test_what_comes_otherwise_than_sealed_is_refused_and_nothing_of_it_stays(logged, damage):
    info, model, store = logged
    data = store.open("model.skops").read()
    store.put("model.skops", damage(data))
    for _ in range(2):
        with pytest.raises(DamagedModel, match=r"model\.skops"):
            steno.load_model(info.model_uri)
    assert list(brought._root().iterdir()) == []
    store.put("model.skops", data)
    assert steno.load_model(info.model_uri).coef_.tolist() == model.coef_.tolist()


def test_a_download_that_breaks_off_is_begun_anew(logged, monkeypatch):
    info, _, _ = logged
    whole = RowStore.open
    monkeypatch.setattr(RowStore, "open", lambda self, key: whole(self, key) if key != "model.skops" else _raise())
    with pytest.raises(ConnectionError):
        steno.load_model(info.model_uri)
    monkeypatch.undo()
    assert steno.load_model(info.model_uri) is not None


def _raise():
    raise ConnectionError("the line went dead")


def test_a_model_that_is_gone_is_not_found(logged):
    info, _, store = logged
    store.delete()
    for uri in uris(info):
        with pytest.raises(NotFound):
            steno.load_model(uri)


LOADS = """
import sys, tempfile
sys.path.insert(0, {here!r})
import test_remote_models as rows
from steno.plugins import plugins
plugins().register(rows, "rows")
import steno
print(steno.load_model({uri!r}).coef_.tolist())
import os
from pathlib import Path
assert len(list(Path(tempfile.gettempdir()).glob("steno-models-*"))) == 1
if os.fork() == 0:  # a child that ends does not take the files away
    sys.exit(0)
os.wait()
assert len(list(Path(tempfile.gettempdir()).glob("steno-models-*"))) == 1
"""


def test_what_was_brought_goes_with_the_process(logged, tmp_path):
    info, model, _ = logged
    (tmp_path / "tmp").mkdir()
    environ = {**os.environ, "TMPDIR": str(tmp_path / "tmp"), "OMP_NUM_THREADS": "1"}
    script = LOADS.format(here=str(Path(__file__).parent), uri=info.artifact_path)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script],
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(model.coef_.tolist())
    assert list((tmp_path / "tmp").iterdir()) == []
    assert tempfile.gettempdir() != str(tmp_path / "tmp")
