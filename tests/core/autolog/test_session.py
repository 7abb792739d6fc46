"""The run of a loop: whose it is, how it ends, and what it costs."""

from __future__ import annotations

import gc
import os
import time
import weakref

import pytest
import steno
from steno.autolog import Session, autolog_one
from steno.records import Tags


@pytest.fixture
def on(toy):
    toy.rows = []
    autolog_one(toy.name, extra_tags={"team": "a"})
    return toy.name


def test_a_session_has_a_run_of_its_own(on, runs):
    session = Session(on, "Net")
    assert steno.last_active_run().info.run_id == session.run.run_id
    session.run.log_metric("loss", 1.0, 1)
    session.overhead_s += 0.25
    session.tell_overhead()
    session.end()
    session.end()
    assert session.ended
    (run,) = runs()
    assert (run.info.status, run.info.run_name) == ("FINISHED", "Net")
    assert (run.data.tags[Tags.AUTOLOGGING], run.data.tags["team"]) == (on, "a")
    assert run.data.tags[Tags.OVERHEAD_MS] == "250.000"
    assert steno.active_run() is None


def test_a_run_of_the_users_is_used_and_stays_open(on, runs):
    with steno.start_run() as mine:
        session = Session(on, "Net")
        session.run.log_metric("loss", 1.0, 1)
        session.end()
        assert not session.ended
        assert not session.opened
        assert steno.active_run() is mine
    assert session.ended
    assert [run.info.run_id for run in runs()] == [mine.run_id]


def test_it_ends_with_its_last_step(on, runs):
    session = Session(on, "Net")
    session.touch()
    last = time.time_ns() // 1_000_000
    time.sleep(0.2)
    session.end()
    (run,) = runs()
    assert 0 <= last - run.info.end_time + 5 < 100


def test_an_error_is_the_runs(on, runs):
    session = Session(on, "Net")
    session.end(ValueError("diverged"))
    assert runs()[0].info.status == "FAILED"
    assert "diverged" in runs()[0].data.tags[Tags.ERROR]


def test_the_garbage_collector_may_end_it(on, runs):
    class Owner:
        pass

    owner, session = Owner(), Session(on, "Net")
    weakref.finalize(owner, session.end_later)
    del owner
    gc.collect()
    assert [run.info.status for run in runs()] == ["FINISHED"]


def test_in_a_forked_child_it_has_ended(on, runs):
    session = Session(on, "Net")
    pid = os.fork()
    if pid == 0:
        session.end()
        os._exit(0 if session.ended else 1)
    assert os.waitpid(pid, 0)[1] == 0
    assert not session.ended
    session.end()
    assert [run.info.status for run in runs()] == ["FINISHED"]


def test_without_a_store_it_keeps_nothing_and_says_so(on, toy, monkeypatch):
    monkeypatch.setenv("STENO_TRUNCATE_LONG_VALUES", "perhaps")
    session = Session(on, "Net")
    session.run.log_metric("loss", 1.0)
    session.touch()
    session.end()
    assert not session.opened
    assert [target for target, _ in toy.failures] == ["Net"]


def test_optional_work_has_a_budget(on):
    session = Session(on, "Net")
    assert 0.0 < session.allowed_s() <= 0.0051
    session.overhead_s += 1.0
    assert session.allowed_s() < 0.0
    session.end()
