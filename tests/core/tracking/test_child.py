"""A run below another: one entry of its parent's journal, unless it turns out to need a journal."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
from array import array

import pytest
import steno
from steno.records import Batch, RunChange, RunStart, RunStatus, Series, Tags
from steno.tracking import child as children
from steno.tracking import context
from steno.tracking.child import ChildRun
from steno.tracking.journal import new_id
from steno.tracking.places import journal_folder


@pytest.fixture
def parent(tracking):
    with steno.start_run(run_name="parent") as run:
        yield run


@pytest.fixture
def begin(parent):
    def begin(name="part", **given):
        return ChildRun(new_id(), parent, RunStart("", name, 5000, tags={"kind": "part"}), **given)

    return begin


def journals(tracking, run_id):
    return list(journal_folder(tracking).glob(f"{run_id}*"))


def facts():
    batch = Batch(params={"a": "1"}, tags={"state": "good"}, change=RunChange(end_time=9000))
    batch.add_metric("value", 0.5, 8000)
    return batch


def test_a_short_one_has_no_journal(tracking, parent, begin):
    run = begin()
    run.hold_metric("loss", 0.25, 3, 6000)
    assert not run.has_begun
    run.finish(facts())
    assert journals(tracking, run.run_id) == []
    found = steno.get_run(run.run_id)
    assert (found.info.run_name, found.info.status) == ("part", "FINISHED")
    assert (found.info.start_time, found.info.end_time) == (5000, 9000)
    assert found.info.experiment_id == parent.info.experiment_id
    assert found.data.params == {"a": "1"}
    assert found.data.metrics == {"loss": 0.25, "value": 0.5}
    assert found.data.tags["kind"] == "part"
    assert found.data.tags[Tags.PARENT_RUN_ID] == parent.run_id


LOGS = {
    "a metric": lambda run: run.log_metric("own", 1.0),
    "metrics": lambda run: run.log_metrics({"own": 1.0}),
    "points": lambda run: run.log_points([("own", 0, 7000, 1.0)]),
    "a series": lambda run: run.log_series(Series("own", array("q", [0]), array("q", [7000]), array("d", [1.0]))),
    "a param": lambda run: run.log_param("own", 1),
    "a tag": lambda run: run.set_tag("own", 1),
    "a file": lambda run: run.log_file("own.txt", b"text"),
    "a child": lambda run: run.add_child(Batch(start=RunStart("", "grandchild", 5000))),
    "a pickle": pickle.dumps,
}


@pytest.mark.parametrize("what", LOGS)
def test_one_that_is_logged_to_has_a_journal_and_what_was_held(tracking, begin, what):
    told = []
    run = begin(begun=lambda each: told.append(each.run_id))
    run.hold_metric("loss", 0.25, 3, 6000)
    LOGS[what](run)
    assert run.has_begun
    assert told == [run.run_id]
    assert journals(tracking, run.run_id)
    assert steno.get_run(run.run_id).info.status == "RUNNING"
    run.hold_metric("loss", 0.125, 4, 6500)
    run.finish(facts())
    found = steno.get_run(run.run_id)
    assert found.info.status == "FINISHED"
    assert {"loss": 0.125, "value": 0.5}.items() <= found.data.metrics.items()
    points = steno.Client().get_metric_history(run.run_id, "loss")
    assert [(point.step, point.timestamp) for point in points] == [(3, 6000), (4, 6500)]
    assert found.data.params["a"] == "1"
    if what == "a file":
        assert steno.Client().list_artifacts(run.run_id)[0].path == "own.txt"


def test_one_that_lasts_is_seen_while_it_goes_on(tracking, begin, monkeypatch, wait):
    monkeypatch.setattr(children, "BEGINS_AFTER_S", 0.05)
    run = begin(begun=lambda each: each.log_param("known", "by then"))
    wait(lambda: run.has_begun)
    wait(lambda: steno.get_run(run.run_id).data.params == {"known": "by then"})
    run.finish(facts())


def test_whoever_reads_finds_it(tracking, begin):
    run = begin()
    assert steno.get_run(run.run_id).info.status == "RUNNING"
    other = begin()
    assert {found.info.run_id for found in steno.search_runs(output_format="list")} >= {run.run_id, other.run_id}
    run.finish(facts())
    other.finish(facts())


def test_a_param_of_the_users_stays(begin):
    run = begin()
    run.log_param("a", "mine")
    run.finish(facts())
    assert steno.get_run(run.run_id).data.params == {"a": "mine"}


@pytest.mark.parametrize("begun", [False, True])
def test_an_error_is_told(begin, begun):
    run = begin()
    if begun:
        run.begin()
    run.finish(facts(), RunStatus.FAILED, ValueError("no"))
    found = steno.get_run(run.run_id)
    assert (found.info.status, found.data.tags[Tags.END_REASON]) == ("FAILED", "ValueError")


@pytest.mark.parametrize("begun", [False, True])
def test_one_that_nobody_finished_is_killed_and_unfinished(begin, begun):
    run = begin()
    if begun:
        run.begin()
    run.end()
    found = steno.get_run(run.run_id)
    assert (found.info.status, found.data.tags[Tags.END_REASON]) == ("KILLED", "unfinished")
    run.finish(facts())  # who began it knows better
    found = steno.get_run(run.run_id)
    assert (found.info.status, found.info.end_time) == ("FINISHED", 9000)
    assert Tags.END_REASON not in found.data.tags
    assert found.data.metrics == {"value": 0.5}


def test_what_is_logged_after_the_end_is_kept(begin):
    run = begin()
    run.finish(facts())
    run.log_metric("late", 1.0)
    later = run.further()
    later.set_tag("later", "still")
    later.release()
    steno.flush()  # its end lies in the journal of its parent
    found = steno.get_run(run.run_id)
    assert (found.info.status, found.data.metrics["late"], found.data.tags["later"]) == ("FINISHED", 1.0, "still")


def test_a_forked_child_logs_to_it_and_does_not_end_it(tracking, begin):
    run = begin()
    child = os.fork()
    if child == 0:
        try:
            run.log_metric("theirs", 1.0)
            run.end()
            steno.flush()
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert not run.has_begun
    run.finish(facts())
    steno.flush()  # its end lies in the journal of its parent
    found = steno.get_run(run.run_id)
    assert (found.info.status, found.data.metrics) == ("FINISHED", {"theirs": 1.0, "value": 0.5})


def test_many_threads_begin_it_once(begin):
    run, told = begin(), []
    run._told = lambda each: told.append(each)
    threads = [threading.Thread(target=run.log_metric, args=("own", 1.0, step)) for step in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    run.finish(facts())
    assert len(told) == 1
    assert len(steno.Client().get_metric_history(run.run_id, "own")) == 8


AT_EXIT = """
import sys, steno
from steno.records import RunStart
from steno.tracking.child import ChildRun
steno.set_tracking_uri(sys.argv[1])
parent = steno.start_run(run_name="parent")
short, long = (ChildRun(id, parent, RunStart("", "part", 5000)) for id in sys.argv[2:])
long.begin()
"""


def test_those_that_are_open_at_exit_are_recorded(tracking):
    ids = [new_id(), new_id()]
    subprocess.run([sys.executable, "-c", AT_EXIT, tracking, *ids], check=True, timeout=60)
    assert [steno.get_run(each).info.status for each in ids] == ["KILLED"] * 2


def test_it_is_active_where_it_is_pushed(begin):
    run = begin()
    context.push(run)
    assert steno.active_run() is run
    steno.log_metric("own", 1.0)
    run.finish(facts())
    assert steno.active_run() is not run
