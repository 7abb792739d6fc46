"""The store on S3: the published contract, names, sizes, and what lies beside."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from steno.testing.stores import ArtifactStoreSuite
from steno.tracking.artifacts import fetch
from steno_objects import s3
from steno_objects.filesystems import fsspec_store
from steno_objects.parts import WHOLE_BYTES
from steno_objects.s3 import s3_store
from steno_objects.store import ObjectStore, is_key


class TestS3(ArtifactStoreSuite):
    @pytest.fixture(autouse=True)
    def _in(self, bucket: str) -> None:
        self.bucket = bucket

    def make_store(self, folder: Path) -> ObjectStore:
        return s3_store(f"s3://{self.bucket}/some/where")


class TestWholeBucket(TestS3):
    def make_store(self, folder: Path) -> ObjectStore:
        return s3_store(f"s3://{self.bucket}")


class TestRenamed(ArtifactStoreSuite):
    def make_store(self, folder: Path) -> ObjectStore:
        return fsspec_store(f"fsspec+file://{folder}")


class TestWhole(ArtifactStoreSuite):
    def make_store(self, folder: Path) -> ObjectStore:
        return fsspec_store(f"fsspec+memory://{uuid4().hex}/runs")


NAMES = st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="/\\"), min_size=1, max_size=12)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(key=st.lists(NAMES, min_size=1, max_size=3).map("/".join), size=st.integers(0, 2000))
@example("a b/%41+#?&=.txt", 1)
@example("*/[a]?.txt", 2)
@example("ünï/日本/😀", 3)
@example("versionId=1?versionId=2", 4)
@pytest.mark.parametrize("make", ["s3", "memory"])
def test_what_any_name_holds_is_listed_read_and_deleted_and_nothing_else(make, bucket, key, size):
    assume(is_key(key))
    folder = uuid4().hex
    store = s3_store(f"s3://{bucket}/{folder}") if make == "s3" else fsspec_store(f"fsspec+memory://{folder}/x")
    store.put("other", b"stays")
    store.put(key, b"x" * size)
    assert _files(store) == {"other": 5, key: size}
    with store.open(key) as file:
        assert file.read() == b"x" * size
    store.delete(key)
    assert _files(store) == {"other": 5}


def test_a_pattern_deletes_only_what_is_called_so(store):
    for kind in (store, fsspec_store(f"fsspec+memory://{uuid4().hex}/x")):
        for key in ("ab", "a*", "a?/x", "abc/d"):
            kind.put(key, b"1")
        kind.delete("a*")
        kind.delete("a?")
        assert set(_files(kind)) == {"ab", "abc/d"}


def test_more_than_one_answer_holds_is_listed_with_sizes_and_deleted(store, amazon, bucket, monkeypatch):
    monkeypatch.setattr(s3, "_AT_ONCE", 100)
    for number in range(230):
        amazon.put_object(Bucket=bucket, Key=f"a folder/of runs/many/{number:05d}", Body=b"x" * (number % 7))
    store.put("one more", b"")
    found = store.list("many")
    assert [info.path for info in found] == [f"many/{number:05d}" for number in range(230)]
    assert [info.file_size for info in found] == [number % 7 for number in range(230)]
    store.delete("many")
    assert [info.path for info in store.list()] == ["one more"]


def test_what_a_stranger_called_unsafely_is_not_listed_and_stays_out_of_a_download(store, amazon, bucket, tmp_path):
    for key in ("../out", "sub/../../out", "sub//b", "ok", "a\\b", "sub/..", "sub/fine"):
        amazon.put_object(Bucket=bucket, Key=f"a folder/of runs/{key}", Body=b"1")
    fetch(store, "", tmp_path / "here")
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == ["fine", "ok"]
    store.delete()
    assert "Contents" not in amazon.list_objects_v2(Bucket=bucket), "all below the root goes, however it is called"


def test_an_object_has_its_media_type_and_what_the_settings_add(store, amazon, bucket, monkeypatch):
    monkeypatch.setenv("MLFLOW_S3_UPLOAD_EXTRA_ARGS", '{"Metadata": {"team": "blue"}, "StorageClass": "STANDARD_IA"}')
    of_team = s3_store(store.uri)
    large = os.urandom(WHOLE_BYTES + 1)
    for key, content in {"plots/roc.png": b"1", "model": b"2", "large.json": large}.items():
        of_team.put(key, content)
    told = [
        amazon.head_object(Bucket=bucket, Key=f"a folder/of runs/{key}")
        for key in ("plots/roc.png", "model", "large.json")
    ]
    assert [each["ContentType"] for each in told] == ["image/png", "application/octet-stream", "application/json"]
    assert {(each["Metadata"]["team"], each["StorageClass"]) for each in told} == {("blue", "STANDARD_IA")}
    asked = {"Bucket": bucket, "Key": "a folder/of runs/model", "ChecksumMode": "ENABLED"}
    assert amazon.head_object(**asked)["ChecksumSHA256"] == base64.b64encode(hashlib.sha256(b"2").digest()).decode()


def test_a_store_goes_on_in_a_forked_child(store):
    store.put("before", b"1")
    child = os.fork()
    if not child:
        with contextlib.suppress(BaseException):
            store.put("in the child", b"2")
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert set(_files(store)) == {"before", "in the child"}


def _files(store: ObjectStore, key: str = "") -> dict[str, int | None]:
    found = {}
    for info in store.list(key):
        found |= _files(store, info.path) if info.is_dir else {info.path: info.file_size}
    return found
