"""The run of a watched call: opened when asked for, true at its end, and harmless when the store is not."""

from __future__ import annotations

import logging
import time

import pytest
import steno
from steno.contracts.integration import Patch, Via
from steno.records import Batch, RunStart, Tags


def writes(call):
    call.run.log_params({"depth": call.instance.depth if call.instance else None})
    yield
    call.run.log_metric("score", 0.5)


def test_a_training_is_a_finished_run_named_and_tagged(toy, runs):
    fw = toy.watch(Patch("Tree.fit", writes), extra_tags={"team": "a", Tags.AUTOLOGGING: "not me"})
    fw.Tree(depth=4).fit(1)
    [run] = runs()
    assert (run.info.run_name, run.info.status) == ("Tree", "FINISHED")
    assert run.data.params == {"depth": "4"}
    assert run.data.metrics == {"score": 0.5}
    assert run.data.tags[Tags.AUTOLOGGING] == toy.name
    assert run.data.tags["team"] == "a"
    assert steno.active_run() is None


def test_no_run_is_opened_that_nobody_asks_for(toy, runs):
    def empty(call):
        yield

    toy.watch(Patch("Tree.fit", empty)).Tree().fit(1)
    assert runs() == []


def test_a_function_gives_its_name_to_the_run(toy, runs):
    toy.watch(Patch("train", writes)).train(1)
    assert [run.info.run_name for run in runs()] == ["train"]


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (ValueError("bad data"), "FAILED", "ValueError"),
        (KeyboardInterrupt(), "KILLED", "SIGINT"),
        (SystemExit(0), "FAILED", "exit code 0"),
        (SystemExit(3), "FAILED", "exit code 3"),
        (GeneratorExit(), "FAILED", "GeneratorExit"),
    ],
    ids=lambda value: repr(value),
)
def test_a_run_that_an_error_ends_says_so(toy, runs, error, status, reason):
    fw = toy.watch(Patch("Tree.fit", writes))
    with pytest.raises(type(error)):
        fw.Tree().fit(error)
    [run] = runs()
    assert run.info.status == status
    assert run.data.tags[Tags.END_REASON] == reason
    if reason == "ValueError":
        assert "bad data" in run.data.tags[Tags.ERROR]
        assert "framework.py" in run.data.tags[Tags.ERROR]


def test_the_run_is_true_though_advice_failed(toy, runs):
    def advice(call):
        call.run.log_param("early", 1)
        raise ValueError
        yield

    toy.watch(Patch("Tree.fit", advice)).Tree().fit(1)
    assert [run.info.status for run in runs()] == ["FINISHED"]


def test_ctrl_c_in_advice_kills_the_run(toy, runs):
    def advice(call):
        call.run.log_param("early", 1)
        raise KeyboardInterrupt
        yield

    with pytest.raises(KeyboardInterrupt):
        toy.watch(Patch("Tree.fit", advice)).Tree().fit(1)
    assert [run.info.status for run in runs()] == ["KILLED"]
    assert steno.active_run() is None


def test_the_users_run_is_used_and_left_open(toy, runs):
    fw = toy.watch(Patch("Tree.fit", writes))
    with steno.start_run() as mine:
        fw.Tree().fit(1)
        with pytest.raises(ValueError, match="x"):
            fw.Tree().fit(ValueError("x"))
        assert steno.active_run() is mine
        steno.log_metric("later", 1.0)
    [run] = runs()
    assert run.info.status == "FINISHED"
    assert run.data.metrics == {"score": 0.5, "later": 1.0}
    assert Tags.AUTOLOGGING not in run.data.tags


def test_what_the_user_logs_inside_a_training_goes_to_its_run(toy, runs):
    fw = toy.watch(Patch("Tree.fit", writes))
    fw.Tree().fit(lambda model: steno.log_metric("mine", 2.0))
    [run] = runs()
    assert run.data.metrics == {"score": 0.5, "mine": 2.0}


def test_exclusive_keeps_out_of_the_users_run(toy, runs):
    fw = toy.watch(Patch("Tree.fit", writes), exclusive=True)
    with steno.start_run():
        fw.Tree().fit(1)
    fw.Tree().fit(1)
    assert sorted(len(run.data.metrics) for run in runs()) == [0, 1]  # in the order of begin they may be equal


def test_the_run_shows_what_autologging_cost(toy, runs):
    def slow(call):
        call.run.log_param("a", 1)
        time.sleep(0.02)
        yield
        time.sleep(0.01)

    fw = toy.watch(Patch("Tree.fit", slow))
    fw.Tree().fit(lambda model: time.sleep(0.1))
    [run] = runs()
    assert 30 <= float(run.data.tags[Tags.OVERHEAD_MS]) < 90
    assert 20 <= float(run.data.tags[Tags.OVERHEAD_PERCENT]) < 90


def test_in_the_users_run_the_cost_of_all_calls_adds_up(toy, runs):
    def slow(call):
        call.run.log_metric("a", 1)
        time.sleep(0.01)
        yield

    fw = toy.watch(Patch("Tree.fit", slow))
    with steno.start_run():
        for _ in range(3):
            fw.Tree().fit(1)
    [run] = runs()
    assert float(run.data.tags[Tags.OVERHEAD_MS]) >= 30


def test_what_cannot_be_recorded_is_left_out_with_one_warning(toy, runs, caplog):
    def advice(call):
        run = call.run
        run.log_params({"good": 1, "bad\nkey": 2})
        run.log_params({"good": "changed", "other": 3})
        run.log_metrics({"m": 1.0, "text": "abc"})
        run.log_metric("text", object())
        run.log_metric("m", 2.0, step="no step")
        run.set_tags({"": "x", "tag": "y"})
        run.log_file("../escape", b"")
        run.log_param("long", "x" * 10_000)
        assert run.add_child(Batch()) == ""
        yield

    fw = toy.watch(Patch("Tree.fit", advice))
    with caplog.at_level(logging.WARNING, "steno.autolog"):
        fw.Tree().fit(1)
    [run] = runs()
    assert toy.failures == []
    assert {k: v for k, v in run.data.params.items() if k != "long"} == {"good": "1", "other": "3"}
    assert len(run.data.params["long"]) == 6000
    assert run.data.metrics == {"m": 1.0}
    assert run.data.tags["tag"] == "y"
    assert len([record for record in caplog.records if record.name == "steno.autolog"]) == 1


def test_a_child_run_is_recorded(toy, runs):
    def advice(call):
        child = Batch(start=RunStart("", "candidate", 1), params={"C": "1"})
        child.add_metric("score", 0.25, 1)
        yield call.run.add_child(child) and None

    toy.watch(Patch("Tree.fit", advice)).Tree().fit(1)
    child, parent = sorted(runs(), key=lambda run: run.info.run_name != "candidate")
    assert child.data.tags[Tags.PARENT_RUN_ID] == parent.info.run_id
    assert child.data.metrics == {"score": 0.25}


@pytest.mark.parametrize("via", [Via.WRAPT, Via.CODE])
def test_where_no_run_can_be_opened_training_goes_on(toy, monkeypatch, via):
    fw = toy.watch(Patch("Tree.fit", writes, via=via))
    monkeypatch.setenv("STENO_MEMORY_LIMIT_MB", "much")
    tree = fw.Tree()
    assert tree.fit(1) is tree
    with pytest.raises(ValueError, match="mine"):
        tree.fit(ValueError("mine"))
    assert tree.calls == 2
    assert [target for target, _ in toy.failures] == ["Tree.fit"] * 2
