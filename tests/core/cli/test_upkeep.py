"""`steno sync`, `fsck` and `gc`, on journals of processes that were really killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest
from steno.tracking import places

KILLED = """
import os, signal, steno
run = steno.start_run(run_name="killed")
for step in range(100):
    steno.log_metric("loss", 1.0 / (step + 1), step=step)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def killed(tmp_path):
    """A process that recorded a hundred points and was killed before it could end its run."""
    # So rarely flushed that the points are in the journal alone.
    environ = {**os.environ, "STENO_FLUSH_INTERVAL_S": "3600"}
    done = subprocess.run([sys.executable, "-c", KILLED], cwd=tmp_path, env=environ, timeout=60, check=False)
    assert done.returncode == -signal.SIGKILL


def test_sync_delivers_what_a_killed_process_left(steno, steno_json, killed):
    assert "waiting" in steno("fsck").stdout
    report = steno_json("sync")
    assert report["delivered"] == 1
    assert len(report["closed"]) == 1
    run = steno_json("runs", "show", "killed")
    assert (run["info"]["status"], run["data"]["summaries"]["loss"]["count"]) == ("KILLED", 100)
    assert "delivered 0 journals" in steno("sync").stdout
    assert steno_json("fsck")["journals"] == []


def test_looking_at_runs_brings_in_what_was_left(steno_json, killed):
    (run,) = steno_json("runs", "list")
    assert (run["info"]["status"], run["data"]["summaries"]["loss"]["count"]) == ("KILLED", 100)


def test_fsck_finds_a_damaged_journal(steno, steno_json, killed):
    (path,) = places.journal_folder(places.get_tracking_uri()).glob("*.journal")
    content = bytearray(path.read_bytes())
    content[:16] = b"\xff" * 16
    path.write_bytes(content)
    (report,) = steno_json("fsck", status=1)["journals"]
    assert report["state"] == "damaged"
    assert "damaged" in steno("fsck", status=1).stdout


def test_fsck_finds_a_damaged_store(steno, steno_json, seeded):
    assert "no damage found" in steno("fsck").stdout
    seeded.store.compact()
    places.forget_stores()
    with open("stenoruns/steno.db", "r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 4096 * 4)
    assert steno_json("fsck", status=1)["store"]["damage"]


def test_gc_removes_what_was_deleted_and_its_artifacts(steno, steno_json, seeded):
    uris = {name: steno_json("runs", "show", name)["info"]["artifact_uri"] for name in ["first", "third"]}
    for uri in uris.values():
        places.artifact_store(uri).put("a/b.bin", b"x" * 5000)
    steno("runs", "delete", "first")
    kept = steno_json("gc", "--yes")
    assert (kept["runs"], kept["artifact_bytes"]) == ([], 0)
    time.sleep(0.002)  # deleted longer ago than no time at all
    report = steno_json("gc", "--older-than", "0s", "--yes")
    assert (len(report["runs"]), report["artifact_bytes"], report["problems"]) == (1, 5000, [])
    assert places.artifact_store(uris["first"]).list() == []
    assert [one.path for one in places.artifact_store(uris["third"]).list()] == ["a"]
    assert len(steno_json("runs", "list", "--view", "all")) == 2


def test_gc_removes_experiments_but_no_files_that_were_never_a_runs(steno, steno_json, tmp_path):
    shared = tmp_path / "shared"
    shared.mkdir()
    (shared / "thesis.tex").write_text("x" * 100)
    steno("experiments", "create", "mine", "--artifact-location", shared)
    steno("experiments", "create", "plain")
    steno("experiments", "delete", "mine")
    steno("experiments", "delete", "plain")
    time.sleep(0.002)
    report = steno_json("gc", "--older-than", "0s", "-y")
    assert len(report["experiments"]) == 2
    assert "left there" in report["problems"][0]
    assert (shared / "thesis.tex").exists()
    assert [one["name"] for one in steno_json("experiments", "list", "--view", "all")] == ["Default"]


def test_gc_asks_before_it_removes(steno, steno_json, seeded):
    steno("runs", "delete", "first")
    time.sleep(0.002)
    result = steno("gc", "--older-than", "0s", status=1, stdin="n\n")
    assert "1 run marked deleted" in result.stderr
    assert len(steno_json("runs", "list", "--view", "deleted")) == 1
    assert "removed 1 run, 0 logged models and 0 experiments" in steno("gc", "--older-than", "0s", stdin="y\n").stdout


@pytest.mark.parametrize("age", ["30", "d", "1w", "-1d", "1.d"])
def test_an_age_that_is_none_is_a_usage_error(steno, seeded, age):
    assert "is no length of time" in steno("gc", "--older-than", age, status=2).stderr


def test_gc_tells_what_lies_once_for_several_paths_and_counts_freed_room_once(steno, steno_json, seeded):
    uris = [steno_json("runs", "show", name)["info"]["artifact_uri"] for name in ["first", "third"]]
    for uri in uris:
        places.artifact_store(uri).put("model/weights", b"x" * 100_000)
    assert steno_json("gc", "--yes")["shared"] == {"files": 1, "links": 2, "saved_bytes": 100_000}
    assert "1 file at 2 paths, stored once, saving" in steno("gc", "--yes").stdout
    steno("runs", "delete", "first")
    time.sleep(0.002)
    report = steno_json("gc", "--older-than", "0s", "--yes")
    assert (report["artifact_bytes"], report["shared"]["files"]) == (0, 0)  # it is the other run's still
    steno("runs", "delete", "third")
    time.sleep(0.002)
    assert steno_json("gc", "--older-than", "0s", "--yes")["artifact_bytes"] == 100_000
