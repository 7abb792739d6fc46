"""A real server that speaks S3, a process of its own on loopback, and buckets that each test has for itself."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from uuid import uuid4

import boto3
import pytest
from botocore.config import Config
from steno_objects.s3 import s3_store
from steno_objects.store import ObjectStore

from tests.plugins.objects.faults import Between

KEYS = {
    "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "a-secret/of-the-tests",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


@pytest.fixture(scope="session")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server, which ends with the tests."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    said = tmp_path_factory.mktemp("s3") / "said"
    with said.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, env={**os.environ, **KEYS})
    try:
        deadline = time.monotonic() + 60
        while not _answers(port):
            assert process.poll() is None, said.read_text()
            assert time.monotonic() < deadline, "the server did not begin to answer"
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait(10)


def _answers(port: int) -> bool:
    with suppress(OSError):
        return bool(urllib.request.urlopen(f"http://127.0.0.1:{port}/moto-api/", timeout=2).status)
    return False


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials of nobody, and none of whoever runs the tests."""
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def amazon(endpoint: str) -> Iterator[Any]:
    """Amazon's own client, to look at what a store did."""
    client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        aws_access_key_id=KEYS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=KEYS["AWS_SECRET_ACCESS_KEY"],
        region_name="us-east-1",
        config=Config(s3={"addressing_style": "path"}),
    )
    yield client
    client.close()


@pytest.fixture
def bucket(amazon: Any, endpoint: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a new bucket, at the endpoint that the settings name."""
    monkeypatch.setenv("MLFLOW_S3_ENDPOINT_URL", endpoint)
    name = f"b-{uuid4().hex}"
    amazon.create_bucket(Bucket=name)
    return name


@pytest.fixture
def store(bucket: str) -> ObjectStore:
    """A store below a folder of a new bucket."""
    return s3_store(f"s3://{bucket}/a folder/of runs")


@pytest.fixture
def between(endpoint: str, bucket: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Between]:
    """Who stands between the store and the server, and fails as it is told."""
    proxy = Between(endpoint)
    monkeypatch.setenv("STENO_S3_ENDPOINT_URL", proxy.url)
    yield proxy
    proxy.close()
