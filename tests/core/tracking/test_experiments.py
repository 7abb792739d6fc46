"""Experiments, by the module's functions and by the client."""

from __future__ import annotations

import pytest
import steno
from steno.errors import AlreadyExists, InvalidValue, NotFound, RunStateError


def test_the_default_experiment_is_there_from_the_start(tracking):
    default = steno.get_experiment("0")
    assert (default.name, default.lifecycle_stage) == ("Default", "active")
    assert steno.get_experiment_by_name("Default") == default


def test_an_experiment_is_created_once(tracking):
    experiment_id = steno.create_experiment("vision", tags={"team": 3})
    found = steno.get_experiment(experiment_id)
    assert (found.name, found.tags) == ("vision", {"team": "3"})
    with pytest.raises(AlreadyExists, match="vision"):
        steno.create_experiment("vision")
    assert steno.get_experiment_by_name("nobody") is None
    with pytest.raises(NotFound):
        steno.get_experiment("77")


def test_an_artifact_location_is_kept_and_used(tracking, tmp_path):
    experiment_id = steno.create_experiment("here", artifact_location=(tmp_path / "mine").as_uri())
    with steno.start_run(experiment_id=experiment_id) as run:
        steno.log_text("x", "a.txt")
    assert (tmp_path / "mine" / run.run_id / "artifacts" / "a.txt").read_text() == "x"


def test_set_experiment_creates_what_is_missing_and_refuses_what_is_deleted(tracking):
    first = steno.set_experiment("mine")
    assert steno.set_experiment("mine") == first
    assert steno.set_experiment(experiment_id="0").name == "Default"
    steno.delete_experiment(first.experiment_id)
    with pytest.raises(RunStateError, match="restore_experiment"):
        steno.set_experiment("mine")
    with pytest.raises(InvalidValue):
        steno.set_experiment()
    with pytest.raises(InvalidValue):
        steno.set_experiment("a", experiment_id="0")
    with pytest.raises(NotFound):
        steno.set_experiment(experiment_id="77")


def test_an_experiment_is_renamed(tracking):
    experiment_id = steno.create_experiment("old")
    steno.rename_experiment(experiment_id, "new")
    assert steno.get_experiment(experiment_id).name == "new"
    with pytest.raises(AlreadyExists):
        steno.rename_experiment(experiment_id, "Default")
    with pytest.raises(InvalidValue):
        steno.rename_experiment(experiment_id, "")


def test_a_deleted_experiment_takes_its_runs_along_and_brings_them_back(tracking):
    steno.set_experiment("doomed")
    with steno.start_run() as run:
        pass
    experiment_id = steno.get_run(run.run_id).info.experiment_id
    steno.delete_experiment(experiment_id)
    assert steno.get_run(run.run_id).info.lifecycle_stage == "deleted"
    assert [e.name for e in steno.search_experiments()] == ["Default"]
    assert [e.name for e in steno.search_experiments("DELETED_ONLY")] == ["doomed"]
    assert len(steno.list_experiments(view_type=3)) == 2
    with pytest.raises(AlreadyExists):
        steno.create_experiment("doomed")
    steno.restore_experiment(experiment_id)
    assert steno.get_run(run.run_id).info.lifecycle_stage == "active"
    with pytest.raises(NotFound):
        steno.restore_experiment(experiment_id)


def test_tags_of_the_active_experiment_are_set_and_removed(tracking):
    experiment = steno.set_experiment("tagged")
    steno.set_experiment_tag("a", 1)
    steno.set_experiment_tags({"b": 2, "c": 3})
    steno.delete_experiment_tag("c")
    assert steno.get_experiment(experiment.experiment_id).tags == {"a": "1", "b": "2"}
    with pytest.raises(NotFound):
        steno.delete_experiment_tag("c")
    with pytest.raises(InvalidValue):
        steno.set_experiment_tag("bad//key", 1)


def test_experiments_are_found_page_by_page(tracking):
    for number in range(25):
        steno.create_experiment(f"e{number:02}", tags={"parity": number % 2})
    found = steno.search_experiments(filter_string="name LIKE 'e%' AND tags.parity = '1'", order_by=["name ASC"])
    assert [e.name for e in found] == [f"e{number:02}" for number in range(1, 25, 2)]
    assert len(steno.search_experiments(max_results=7)) == 7
    client, names, token = steno.Client(), [], None
    while True:
        page = client.search_experiments(max_results=10, order_by=["name DESC"], page_token=token)
        names += [e.name for e in page]
        token = page.token
        if token is None:
            break
    assert names == sorted(names, reverse=True)
    assert len(names) == 26
    for wrong in (0, -1, 50_001):
        with pytest.raises(InvalidValue, match="max_results"):
            client.search_experiments(max_results=wrong)
    with pytest.raises(InvalidValue, match="view type"):
        client.search_experiments(view_type="SOME")
