"""Uploads that are cut off: they go on from what arrived, and end as if nothing had happened."""

from __future__ import annotations

import hashlib
import itertools
import os
import subprocess
import sys
import time
from datetime import timedelta

import pytest
from steno.contracts import patience
from steno.errors import StoreReadOnly, StoreUnavailable
from steno_objects import parts, retries
from steno_objects.s3 import s3_store
from steno_objects.store import ObjectStore

MiB = 1 << 20
PUT = "import sys; from pathlib import Path; from steno_objects.s3 import s3_store\n"
PUT += "s3_store(sys.argv[1]).put('m/weights.bin', Path(sys.argv[2]))"


@pytest.fixture
def large(tmp_path):
    """A file of four parts, the last a short one."""
    path = tmp_path / "weights.bin"
    path.write_bytes(os.urandom(3 * parts.PART_BYTES + 12345))
    return path


@pytest.fixture
def store(between, bucket) -> ObjectStore:
    return s3_store(f"s3://{bucket}/runs")


def is_part(method, path):
    return method == "PUT" and "partNumber=" in path


def test_the_upload_of_a_killed_process_goes_on_in_the_next(store, between, bucket, large, amazon, wait):
    number = itertools.count()
    between.rule = lambda method, path: "silent" if is_part(method, path) and next(number) >= 2 else ""
    child = subprocess.Popen([sys.executable, "-c", PUT, store.uri, str(large)])
    wait(lambda: len(between.parts_sent()) >= 2 and len(_unfinished(amazon, bucket)) == 1, 40)
    wait(lambda: len(_arrived(amazon, bucket)) == 2)
    child.kill()
    child.wait(10)
    assert store.list() == [], "no half file is seen"
    between.rule = lambda method, path: ""
    before = sorted(between.parts_sent())
    store.put("m/weights.bin", large)
    assert sorted(between.parts_sent()) == [1, 2, 3, 4], "no part is sent twice"
    assert len(before) == 2
    amazon.upload_file(str(large), bucket, "whole")
    store.put("whole", large)
    tags = [amazon.head_object(Bucket=bucket, Key=f"runs/{key}")["ETag"] for key in ("m/weights.bin", "whole")]
    assert tags[0] == tags[1], "it ends as one that was not interrupted"
    assert _digest(store, "m/weights.bin") == hashlib.sha256(large.read_bytes()).hexdigest()
    assert _unfinished(amazon, bucket) == []


def test_cuts_and_refusals_on_the_way_are_gone_round(store, between, large):
    seen = {}

    def rule(method, path):
        seen[path] = seen.get(path, 0) + 1
        return (
            {1: "busy", 2: "cut", 3: "lost"}.get(seen[path], "") if hash(path) % 2 else {1: "lost"}.get(seen[path], "")
        )

    between.rule = rule
    store.put("weights", large)
    assert _digest(store, "weights") == hashlib.sha256(large.read_bytes()).hexdigest()
    store.put("small", b"1" * 1000)
    assert [info.file_size for info in store.list()] == [1000, large.stat().st_size]
    store.delete()
    assert store.list() == []
    assert max(seen.values()) >= 2


def test_a_download_goes_on_from_where_it_broke_off(store, between):
    content = os.urandom(4 * MiB)
    store.put("a", content)
    ways = ["half", "busy", ""]
    between.rule = lambda method, path: ways.pop(0) if method == "GET" and ways else ""
    between.passed.clear()
    with store.open("a") as file:
        assert file.read() == content
    assert len(between.passed) == 2


def test_of_anothers_unfinished_upload_nothing_is_taken(store, amazon, bucket, large, monkeypatch):
    monkeypatch.setattr(parts, "GIVEN_UP", timedelta(days=36500))  # this server says of each that it began in 2010
    begun = amazon.create_multipart_upload(Bucket=bucket, Key="runs/weights")
    other = os.urandom(parts.PART_BYTES)
    named = {"Bucket": bucket, "Key": "runs/weights", "UploadId": begun["UploadId"]}
    amazon.upload_part(**named, PartNumber=2, Body=other)
    store.put("weights", large)
    assert _digest(store, "weights") == hashlib.sha256(large.read_bytes()).hexdigest()
    assert len(_unfinished(amazon, bucket)) == 1, "it may still be going on"


def test_what_was_left_long_ago_and_what_is_deleted_leaves_no_unfinished_upload(
    store, amazon, bucket, large, monkeypatch
):
    for key in ("runs/weights", "runs/weights2", "runs/m/x", "else/y"):
        amazon.create_multipart_upload(Bucket=bucket, Key=key)
    monkeypatch.setattr(parts, "GIVEN_UP", timedelta(seconds=-3600))
    store.put("weights", large)
    assert _unfinished(amazon, bucket) == ["else/y", "runs/m/x", "runs/weights2"]
    monkeypatch.setattr(parts, "GIVEN_UP", timedelta(days=36500))
    store.tidy()
    assert _unfinished(amazon, bucket) == ["else/y", "runs/m/x", "runs/weights2"]
    store.delete("m")
    assert _unfinished(amazon, bucket) == ["else/y", "runs/weights2"]
    monkeypatch.setattr(parts, "GIVEN_UP", timedelta(seconds=-3600))
    assert (store.shares, store.tidy().files) == (store.uri, 0)
    assert _unfinished(amazon, bucket) == ["else/y"]


def test_one_that_is_given_up_by_others_meanwhile_begins_anew(store, between, amazon, bucket, large):
    def rule(method, path):
        if method == "POST" and "uploadId=" in path and not gone:
            for each in amazon.list_multipart_uploads(Bucket=bucket)["Uploads"]:
                amazon.abort_multipart_upload(Bucket=bucket, Key=each["Key"], UploadId=each["UploadId"])
            gone.append(path)
            return "gone"
        return ""

    gone: list[str] = []
    between.rule = rule
    store.put("weights", large)
    assert _digest(store, "weights") == hashlib.sha256(large.read_bytes()).hexdigest()
    assert gone
    assert len(between.parts_sent()) == 8


def test_one_whose_last_answer_was_lost_is_known_to_be_done(store, between, large):
    ways = ["lost", "gone"]
    between.rule = lambda method, path: ways.pop(0) if method == "POST" and "uploadId=" in path and ways else ""
    store.put("weights", large)
    assert not ways
    assert len(between.parts_sent()) == 4, "nothing is sent again"
    assert _digest(store, "weights") == hashlib.sha256(large.read_bytes()).hexdigest()


def test_a_refusal_midway_is_told_and_leaves_nothing(store, between, amazon, bucket, large):
    between.rule = lambda method, path: "denied" if is_part(method, path) and "partNumber=4" in path else ""
    with pytest.raises(StoreReadOnly, match="denies UploadPart"):
        store.put("weights", large)
    assert _unfinished(amazon, bucket) == []


def test_without_leave_to_list_uploads_a_file_is_sent_whole(store, between, large):
    between.rule = lambda method, path: "denied" if method == "GET" and "uploads" in path else ""
    store.put("weights", large)
    assert _digest(store, "weights") == hashlib.sha256(large.read_bytes()).hexdigest()


@pytest.mark.parametrize("way", ["busy", "silent", "cut"])
def test_who_cannot_wait_is_told_in_time(store, between, way):
    store.put("a", b"1")
    between.rule = lambda method, path: way
    for call in (lambda: store.put("a", b"2"), lambda: store.open("a"), store.list):
        begun = time.monotonic()
        with patience.at_most(0.6), pytest.raises(StoreUnavailable):
            call()
        assert time.monotonic() - begun < 2.5


def test_a_store_that_stays_busy_is_given_up_at_last(store, between, monkeypatch):
    store.list()  # the first use of an endpoint takes a moment
    between.asked.clear()
    monkeypatch.setattr(retries, "USUAL_S", 1.0)
    between.rule = lambda method, path: "busy"
    with pytest.raises(StoreUnavailable, match="SlowDown"):
        store.put("a", b"1")
    assert 3 <= len(between.asked) <= 12, "with growing pauses"


def _unfinished(amazon, bucket) -> list[str]:
    return sorted(each["Key"] for each in amazon.list_multipart_uploads(Bucket=bucket).get("Uploads", []))


def _arrived(amazon, bucket) -> list[int]:
    (one,) = amazon.list_multipart_uploads(Bucket=bucket)["Uploads"]
    found = amazon.list_parts(Bucket=bucket, Key=one["Key"], UploadId=one["UploadId"])
    return [each["PartNumber"] for each in found.get("Parts", [])]


def _digest(store: ObjectStore, key: str) -> str:
    with store.open(key) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
