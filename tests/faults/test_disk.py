"""A disk that is full or cannot be written costs training nothing, and what was acknowledged is where it was said."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import steno
from steno.records import RunStatus
from steno.tracking import recovery

TRAIN = """
import json, os, sys, steno
with steno.start_run() as run:
    for step in range(100_000):
        steno.log_metric("loss", float(step), step)
print(json.dumps([run.run_id, run._journal.in_memory, run._journal.dropped]))
"""


def _on_a_small_disk(folder: Path, text: str, size: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a script where `folder`/small is a file system of its own, which goes with the process."""
    unshare = shutil.which("unshare")
    if unshare is None:
        pytest.skip("no `unshare` here to mount a small file system with")
    (folder / "small").mkdir()
    inside = f'mount -t tmpfs -o size={size} tmpfs {folder}/small && exec "$@"'
    possible = [unshare, "-m", "sh", "-c", f"mount -t tmpfs tmpfs {folder}/small"]
    if subprocess.run(possible, capture_output=True, check=False).returncode:
        pytest.skip("mounting is not allowed here")
    return subprocess.run(
        [unshare, "-m", "sh", "-c", inside, "sh", sys.executable, "-c", text],
        cwd=folder,
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_full_disk_under_the_journal_means_memory_and_loses_nothing(tracking, tmp_path):
    done = _on_a_small_disk(
        tmp_path,
        TRAIN,
        "1m",
        STENO_TRACKING_URI=tracking,
        STENO_JOURNAL_DIR=str(tmp_path / "small" / "journal"),
        STENO_FLUSH_INTERVAL_S="30",
    )
    assert done.returncode == 0, done.stderr
    run_id, in_memory, dropped = json.loads(done.stdout)
    assert (in_memory, dropped) == (True, 0)
    assert done.stderr.count("no journal can be written") == 1
    assert "No space left" in done.stderr
    run = steno.get_run(run_id)
    assert (run.info.status, run.data.summaries["loss"].count) == (RunStatus.FINISHED, 100_000)


def test_a_full_disk_under_the_store_keeps_everything_in_the_journal(tmp_path, monkeypatch):
    journal = tmp_path / "journal"
    monkeypatch.setenv("STENO_JOURNAL_DIR", str(journal))
    done = _on_a_small_disk(
        tmp_path, TRAIN, "120k", STENO_TRACKING_URI=f"sqlite:///{tmp_path}/small/steno.db", STENO_EXIT_TIMEOUT_S="1"
    )
    assert done.returncode == 0, done.stderr
    run_id, in_memory, dropped = json.loads(done.stdout)
    assert (in_memory, dropped) == (False, 0)
    assert "nothing is lost" in done.stderr
    other = f"sqlite:///{tmp_path}/other/steno.db"
    assert recovery.sync(other).failed == {}
    run = steno.Client(other).get_run(run_id)
    assert run.data.summaries["loss"].count == 100_000


def test_a_limit_on_file_sizes_is_met_when_a_segment_is_made_not_as_a_signal(tracking, script):
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))\n"
    text = limit + TRAIN.replace("100_000", "20_000")
    child = script.start(text, STENO_TRACKING_URI=tracking, STENO_FLUSH_INTERVAL_S="30", STENO_EXIT_TIMEOUT_S="1")
    out, err = child.communicate(timeout=60)
    assert child.returncode == 0, err
    _, in_memory, dropped = json.loads(out)
    assert (in_memory, dropped) == (True, 0)


def test_a_disk_that_cannot_be_written_stops_nobody(tmp_path):
    text = "import os; os.chdir('small')\n" + TRAIN.replace("100_000", "1000")
    done = _on_a_small_disk(tmp_path, text, "1m,ro", STENO_EXIT_TIMEOUT_S="0.5")
    assert done.returncode == 0, done.stderr
    _, in_memory, dropped = json.loads(done.stdout)
    assert (in_memory, dropped) == (True, 0)
    assert "STENO_JOURNAL_DIR" in done.stderr
    assert "neither to a journal nor to their store" in done.stderr
    assert "nothing is lost" not in done.stderr


def test_memory_that_is_full_too_costs_points_but_never_training(tracking, script, tmp_path):
    (tmp_path / "file").write_text("")
    text = TRAIN.replace("100_000", "200_000")
    out = script.run(
        text,
        STENO_TRACKING_URI=tracking,
        STENO_JOURNAL_DIR=str(tmp_path / "file" / "journal"),
        STENO_MEMORY_LIMIT_MB="1",
        STENO_FLUSH_INTERVAL_S="60",
    )
    run_id, _, dropped = json.loads(out)
    assert dropped > 0
    run = steno.get_run(run_id)
    assert run.data.tags["steno.dropped_points"] == str(dropped)
    assert run.data.summaries["loss"].count + dropped == 200_000
