"""A recording that others share, whose parts are runs of their own; and calls that only host trainings."""

from __future__ import annotations

import steno
from steno.autolog import autolog_one
from steno.autolog.shared import SharedSession
from steno.contracts.integration import Patch
from steno.records import Batch, RunChange, Tags
from steno.tracking import context
from steno.tracking.journal import new_id


def nothing(part):
    """Say nothing at the beginning."""


def session_of(toy, within=None, run_id=None):
    toy.rows = []
    autolog_one(toy.name, extra_tags={"team": "a"})
    return SharedSession(toy.name, "study", run_id or new_id(), 1000, within)


def test_it_has_the_run_of_its_id_which_goes_on_later(toy, runs):
    run_id = new_id()
    for step in range(2):
        session = session_of(toy, run_id=run_id)
        session.run.log_metric("loss", 1.0, step)
        session.end()
    (run,) = runs()
    assert (run.info.run_id, run.info.status, run.info.start_time) == (run_id, "FINISHED", 1000)
    assert (run.data.tags[Tags.AUTOLOGGING], run.data.tags["team"]) == (toy.name, "a")


def test_a_run_of_the_users_is_written_to_instead(toy, runs):
    with steno.start_run() as mine:
        session = session_of(toy, within=mine)
        session.child(new_id(), "part", 2000, {}, nothing).finish(Batch())
        session.end()
        assert steno.active_run() is mine
    user, part = runs()[::-1]
    assert user.info.run_id == mine.run_id
    assert part.data.tags[Tags.PARENT_RUN_ID] == mine.run_id


def test_within_a_part_of_another_it_is_below_that(toy, runs):
    outer = session_of(toy)
    part = outer.child(new_id(), "part", 2000, {}, nothing)
    inner = SharedSession(toy.name, "inner", new_id(), 3000, part.active)
    inner.end()
    part.finish(Batch())
    outer.end()
    parents = {run.info.run_id: run.data.tags.get(Tags.PARENT_RUN_ID) for run in runs()}
    assert parents == {outer.run.run_id: None, part.run_id: outer.run.run_id, inner.run.run_id: part.run_id}


def test_what_a_part_may_not_hold_is_left_out(toy, runs):
    session = session_of(toy)
    part = session.child(new_id(), "part", 2000, {"number": "0"}, nothing)
    facts = Batch(params={"a": "x" * 7000, "bad?": "1"}, tags={"": "1", "good": "\udcff"})
    facts.add_metric("what?", 1.0, 1)
    facts.add_metric("value", 1.0, 1)
    facts.change = RunChange("FAILED")
    part.finish(facts, KeyboardInterrupt())
    session.end()
    found = next(run for run in runs() if run.info.run_id == part.run_id)
    assert found.info.status == "KILLED"
    assert len(found.data.params["a"]) == 6000
    assert set(found.data.params) == {"a"}
    assert found.data.metrics == {"value": 1.0}
    assert (found.data.tags["good"], found.data.tags["number"]) == ("\\udcff", "0")


def test_an_active_part_takes_what_is_logged_here(toy, runs):
    session = session_of(toy)
    session.make_active()
    part = session.child(new_id(), "part", 2000, {}, nothing)
    part.make_active()
    steno.log_metric("inside", 1.0)
    with steno.start_run() as own:  # no error, though a run is active: it is none of the user's
        pass
    part.make_inactive()
    assert steno.active_run() is session.run.active
    part.finish(Batch())
    session.end()
    assert context.active_run() is None
    found = {run.info.run_id: run for run in runs()}
    assert found[part.run_id].data.metrics == {"inside": 1.0}
    assert found[own.run_id].data.tags[Tags.PARENT_RUN_ID] == part.run_id


def test_without_a_run_there_is_no_part(toy, monkeypatch):
    monkeypatch.setattr("steno.tracking.joined.join_run", lambda *_, **__: 1 / 0)
    session = session_of(toy)
    session.run.log_metric("loss", 1.0)
    assert session.child(new_id(), "part", 2000, {}, nothing) is None
    session.end()
    assert [type(error) for _, error in toy.failures] == [ZeroDivisionError]


def test_what_a_hosting_call_runs_is_watched_for_itself(toy, runs):
    def search(call):
        call.host()
        yield

    def fit(call):
        call.run.log_param("depth", call.instance.depth)
        yield

    framework = toy.watch(Patch("Search.fit", search), Patch("Base.fit", fit))
    framework.Search(framework.Tree(), framework.Forest()).fit([1])
    assert [run.info.run_name for run in runs()] == ["Tree", "Forest"]


def test_a_hosting_call_inside_a_training_hosts_nothing(toy, runs):
    def search(call):
        call.host()
        yield

    def fit(call):
        call.run.log_param("depth", call.instance.depth)
        yield

    framework = toy.watch(Patch("Search.fit", search, joins=True), Patch("Base.fit", fit))
    framework.Tree().fit(lambda tree: framework.Search(framework.Forest()).fit([1]))
    assert [run.info.run_name for run in runs()] == ["Tree"]
