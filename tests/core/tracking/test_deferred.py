"""Work that is done beside trainings, and files small enough to travel in the journal."""

from __future__ import annotations

import logging
import os
import threading
import time

import pytest
import steno
from steno.tracking import deferred as module
from steno.tracking.deferred import DeferredWork, deferred
from steno.tracking.spool import INLINE_BYTES


@pytest.fixture
def run(tracking):
    with steno.start_run() as run:
        yield run


def test_work_is_done_with_a_handle_on_a_run_that_has_ended(run):
    steno.end_run()
    deferred.submit(run, lambda handle: handle.set_tag("later", "yes"))
    found = steno.get_run(run.info.run_id)
    assert (found.data.tags["later"], found.info.status) == ("yes", "FINISHED")


def test_work_waits_while_a_training_runs(run, monkeypatch):
    monkeypatch.setattr(module, "PAUSE_S", 0.01)
    done = threading.Event()
    with deferred.training():
        deferred.submit(run, lambda handle: done.set())
        assert not done.wait(0.2)
    assert done.wait(5)


def test_it_waits_neither_for_ever_nor_with_much_memory(run, monkeypatch):
    big, late = threading.Event(), threading.Event()
    with deferred.training():
        deferred.submit(run, lambda handle: big.set(), module.EAGER_BYTES + 1)
        assert big.wait(5)
        monkeypatch.setattr(module, "LONGEST_WAIT_S", 0.05)
        deferred.submit(run, lambda handle: late.set())
        assert late.wait(5)


def test_what_is_too_much_is_refused(run, monkeypatch):
    monkeypatch.setattr(module, "MOST_ITEMS", 2)
    with deferred.training():
        taken = [deferred.submit(run, lambda handle: None) for _ in range(3)]
    assert taken == [True, True, False]
    assert not deferred.submit(run, lambda handle: None, module.MOST_BYTES + 1)


def test_who_wants_to_read_has_it_done_at_once(run):
    with deferred.training():
        deferred.submit(run, lambda handle: handle.log_param("late", 1))
        assert steno.get_run(run.info.run_id).data.params == {"late": "1"}


def test_who_reads_another_run_does_not_wait(run):
    began = threading.Event()
    with deferred.training():
        deferred.submit(run, lambda handle: began.set())
        assert deferred.wait("0" * 32)
        assert not began.is_set()


def test_waiting_ends_at_its_deadline():
    work, release = DeferredWork(), threading.Event()

    class Run:
        run_id = "r"

        def further(self):
            release.wait(10)
            return self

        def release(self):
            pass

    work.submit(Run(), lambda handle: None)
    began = time.monotonic()
    assert not work.wait(timeout_s=0.05)
    assert time.monotonic() - began < 5
    release.set()
    assert work.wait(timeout_s=5)


def test_work_that_fails_is_said_and_the_next_is_done(run, caplog):
    caplog.set_level(logging.WARNING, "steno.tracking")
    deferred.submit(run, lambda handle: 1 / 0)
    deferred.submit(run, lambda handle: handle.set_tag("next", "done"))
    assert steno.get_run(run.info.run_id).data.tags["next"] == "done"
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize("size", [0, 1, INLINE_BYTES, INLINE_BYTES + 1])
def test_files_of_any_size_arrive_whole(run, size):
    content = os.urandom(size)
    run.log_file("folder/file.bin", content)
    spooled = list(run.folder.glob("spool/*"))
    assert len(spooled) == (size > INLINE_BYTES)
    path = steno.Client().download_artifacts(run.info.run_id, "folder/file.bin")
    with open(path, "rb") as file:
        assert file.read() == content
