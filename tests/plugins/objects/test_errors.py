"""What cannot be done is told in one sentence, with its remedy, of the right kind, and without a secret."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest
from steno.contracts import patience
from steno.errors import InvalidValue, NotFound, StoreError, StoreReadOnly, StoreUnavailable
from steno.plugins import plugins
from steno_objects.failures import told
from steno_objects.filesystems import fsspec_store
from steno_objects.s3 import s3_store

from tests.plugins.objects.conftest import KEYS

REFUSALS = [
    ("InvalidAccessKeyId", 403, StoreError, "AWS_ACCESS_KEY_ID"),
    ("SignatureDoesNotMatch", 403, StoreError, "AWS_SECRET_ACCESS_KEY"),
    ("ExpiredToken", 400, StoreError, "renew"),
    ("AccessDenied", 403, StoreReadOnly, "permission"),
    ("PermanentRedirect", 301, StoreError, "AWS_DEFAULT_REGION=eu-west-3"),
    ("AuthorizationHeaderMalformed", 400, StoreError, "AWS_DEFAULT_REGION=eu-west-3"),
    ("RequestTimeTooSkewed", 403, StoreError, "clock"),
    ("SlowDown", 503, StoreUnavailable, "later"),
    ("InternalError", 500, StoreUnavailable, "later"),
    ("RequestTimeout", 400, StoreUnavailable, "later"),
    ("EntityTooLarge", 400, StoreError, "EntityTooLarge"),
    ("NoSuchKey", 404, NotFound, "no artifact"),
]


def test_each_refusal_has_its_kind_and_its_remedy(between, bucket):
    store = s3_store(f"s3://{bucket}/x")
    store.list()  # the first use of an endpoint takes a moment
    between.rule = lambda method, path: "refused"
    for code, status, kind, remedy in REFUSALS:
        between.refusal = status, code, {"x-amz-bucket-region": "eu-west-3"}
        with patience.at_most(0.3), pytest.raises(kind, match=remedy) as caught:
            store.open("a")
        told_as = caught.value.__cause__ if kind is NotFound else caught.value
        assert type(told_as) is kind
        _is_one_sentence(told_as)


def test_a_bucket_that_is_not_there_is_named_and_nothing_is_taken_for_missing(bucket):
    nowhere = s3_store("s3://no-such-bucket-of-ours/x")
    for call in (lambda: nowhere.put("a", b"1"), lambda: nowhere.open("a"), nowhere.list, lambda: nowhere.delete("a")):
        with pytest.raises(StoreError, match=r"no bucket 'no-such-bucket-of-ours'.*create it") as caught:
            call()
        assert type(caught.value) is StoreError, "NotFound would say that the file is gone"
        _is_one_sentence(caught.value)


def test_without_credentials_their_names_are_told(bucket, monkeypatch, tmp_path):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    code = "import sys; from steno_objects.s3 import s3_store; s3_store(sys.argv[1]).list()"
    done = subprocess.run(
        [sys.executable, "-c", code, f"s3://{bucket}/x"], capture_output=True, text=True, timeout=60, check=False
    )
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("steno.errors.StoreError: there are no credentials for s3://")
    assert "set AWS_ACCESS_KEY_ID" in last


def test_an_endpoint_where_nobody_is_may_be_there_later(bucket, monkeypatch):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        monkeypatch.setenv("STENO_S3_ENDPOINT_URL", f"http://127.0.0.1:{closed.getsockname()[1]}")
        with patience.at_most(0.5), pytest.raises(StoreUnavailable, match="STENO_S3_ENDPOINT_URL") as caught:
            s3_store(f"s3://{bucket}/x").put("a", b"1")
        _is_one_sentence(caught.value)


@pytest.mark.parametrize(
    ("uri", "variable", "value"),
    [
        ("s3://", "", ""),
        ("s3:///x", "", ""),
        ("s3://AKIA:a-secret@bucket/x", "", ""),
        ("s3://b/x", "STENO_S3_ENDPOINT_URL", "localhost:9000"),
        ("s3://b/x", "MLFLOW_S3_UPLOAD_EXTRA_ARGS", "ServerSideEncryption"),
        ("s3://b/x", "MLFLOW_S3_UPLOAD_EXTRA_ARGS", "[1]"),
        ("fsspec+nothing://x/y", "", ""),
    ],
)
def test_what_cannot_be_meant_is_refused_at_once(monkeypatch, uri, variable, value):
    if variable:
        monkeypatch.setenv(variable, value)
    with pytest.raises(InvalidValue) as caught:
        (s3_store if uri.startswith("s3:") else fsspec_store)(uri)
    _is_one_sentence(caught.value)


def test_a_driver_that_is_missing_is_named_as_an_extra():
    code = "import sys\nfor name in sys.argv[2:]: sys.modules[name] = None\n"
    code += "from steno.tracking import places\nplaces.artifact_store(sys.argv[1])"
    for uri, missing, extra in (
        ("s3://b/x", ("s3fs",), "steno[s3]"),
        ("s3://b/x", ("fsspec",), "steno[s3]"),
        ("gs://b/x", ("gcsfs",), "steno[gcs]"),
        ("abfss://c@a.dfs.core.windows.net/x", ("adlfs",), "steno[azure]"),
        ("sftp://host/x", ("paramiko",), "paramiko"),
        ("fsspec+memory://x", ("fsspec", "s3fs"), "fsspec"),
    ):
        done = subprocess.run(
            [sys.executable, "-c", code, uri, *missing], capture_output=True, text=True, timeout=60, check=False
        )
        last = done.stderr.strip().splitlines()[-1]
        assert "MissingDependency" in last, done.stderr
        assert "pip install" in last
        assert extra in last


def test_what_is_no_failure_of_a_store_is_raised_as_it_is():
    with pytest.raises(KeyError):
        told(KeyError("a mistake"), "b", "")


def test_plugins_says_what_serves_each_scheme():
    known = plugins().stores.artifact_stores
    for scheme in ("s3", "gs", "gcs", "abfss", "abfs", "az", "sftp", "hdfs", "fsspec+webdav"):
        assert known.find(f"{scheme}://x/y").plugin == "objects"


def test_the_address_that_is_shown_has_no_password():
    store = fsspec_store("fsspec+memory://user:pass-word@host/x")
    assert store.uri == "fsspec+memory://user@host/x"
    with pytest.raises(NotFound) as caught:
        store.open("a")
    _is_one_sentence(caught.value)


def _is_one_sentence(error: Exception) -> None:
    text = str(error)
    assert "\n" not in text
    assert 20 < len(text) < 300
    for secret in (*list(KEYS.values())[:2], "a-secret", "pass-word"):
        assert secret not in text
