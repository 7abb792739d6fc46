"""A run that several processes are in: the last to leave ends it, and the dead keep nobody waiting."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest
import steno
from steno.records import RunStatus, Tags
from steno.tracking import joined, recovery
from steno.tracking.joined import join_run
from steno.tracking.journal import new_id
from steno.tracking.places import journal_folder

IN_IT = """
import sys, steno
from steno.tracking.joined import join_run
steno.set_tracking_uri(sys.argv[1])
run = join_run(sys.argv[2], run_name="shared")
run.log_metric("theirs", 1.0)
run.flush()
print("in", flush=True)
sys.stdin.readline()
run.end()
"""


@pytest.fixture
def other(tracking):
    """Start a process that is in a run until it is told to leave."""
    started = []

    def start(run_id):
        command = [sys.executable, "-c", IN_IT, tracking, run_id]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout.readline() == "in\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def status(run_id):
    return steno.get_run(run_id).info.status


def test_who_is_alone_begins_and_ends_it(tracking):
    run = join_run(new_id(), run_name="shared", tags={"a": "1"}, start_time=1000)
    assert (status(run.run_id), steno.get_run(run.run_id).info.start_time) == ("RUNNING", 1000)
    run.end()
    run.end()
    assert status(run.run_id) == "FINISHED"
    assert not list(journal_folder(tracking).glob(f"*{joined.SUFFIX}"))


def test_it_goes_on_when_it_is_joined_again(tracking):
    run_id = new_id()
    join_run(run_id, run_name="first").end(RunStatus.FAILED, ValueError("no"))
    assert steno.get_run(run_id).data.tags[Tags.END_REASON] == "ValueError"
    again = join_run(run_id, run_name="second")
    found = steno.get_run(run_id)
    assert (found.info.status, found.info.run_name) == ("RUNNING", "first")
    assert Tags.END_REASON not in found.data.tags
    again.end()
    assert status(run_id) == "FINISHED"


def test_the_last_to_leave_ends_it(tracking, other):
    run = join_run(new_id(), run_name="shared")
    process = other(run.run_id)
    run.log_metric("ours", 1.0)
    steno.flush()  # who leaves before anybody knows that the run goes on says how it went
    run.end()
    assert run.ended
    assert status(run.run_id) == "RUNNING"
    process.communicate("leave\n", timeout=60)
    assert status(run.run_id) == "FINISHED"
    assert steno.get_run(run.run_id).data.metrics == {"ours": 1.0, "theirs": 1.0}


def test_one_that_was_in_it_for_a_moment_does_not_keep_it_running(tracking, other):
    run_id = new_id()
    run = join_run(run_id, run_name="shared")  # says that it runs, which is not carried to the store before
    process = other(run_id)
    run.end()
    process.communicate("leave\n", timeout=60)
    steno.flush()
    assert status(run_id) == "FINISHED"


def test_two_handles_in_one_process_count_as_two(tracking):
    run_id = new_id()
    first, second = join_run(run_id), join_run(run_id)
    steno.flush()
    first.end()
    assert status(run_id) == "RUNNING"
    second.end()
    assert status(run_id) == "FINISHED"


def test_recovery_leaves_a_run_that_a_living_process_is_in(tracking, other):
    run_id = new_id()
    doomed, living = other(run_id), other(run_id)
    os.kill(doomed.pid, signal.SIGKILL)
    doomed.wait()
    recovery.replay(journal_folder(tracking))
    assert status(run_id) == "RUNNING"
    living.communicate("leave\n", timeout=60)
    assert status(run_id) == "FINISHED"


def test_a_run_whose_last_process_is_killed_is_killed(tracking, other):
    run_id = new_id()
    doomed = other(run_id)
    os.kill(doomed.pid, signal.SIGKILL)
    doomed.wait()
    recovery.replay(journal_folder(tracking))
    found = steno.get_run(run_id)
    assert (found.info.status, found.data.tags[Tags.END_REASON]) == ("KILLED", "lost")
    assert not list(journal_folder(tracking).glob(f"*{joined.SUFFIX}"))


def test_a_forked_child_neither_ends_it_nor_keeps_it_open(tracking):
    run = join_run(new_id())
    child = os.fork()
    if child == 0:
        try:
            run.end()
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert status(run.run_id) == "RUNNING"
    run.end()
    assert status(run.run_id) == "FINISHED"


def test_without_a_folder_for_locks_everyone_is_alone(tracking, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("STENO_JOURNAL_DIR", str(tmp_path / "file" / "below"))
    run = join_run(new_id())
    run.end()
    assert status(run.run_id) == "FINISHED"
