"""`steno experiments` on a real store."""

from __future__ import annotations

import pytest


def test_experiments_are_listed_newest_first(steno_json, seeded):
    assert [one["name"] for one in steno_json("experiments", "list")] == ["vision", "Default"]


def test_the_stage_is_shown_where_it_differs(steno, seeded):
    assert "stage" not in steno("experiments", "list").stdout
    steno("experiments", "delete", "vision")
    assert "vision" not in steno("experiments", "list").stdout
    assert "deleted" in steno("experiments", "list", "--view", "all").stdout


def test_create_makes_the_store_if_there_is_none(steno, steno_json, tmp_path):
    made = steno_json("experiments", "create", "new", "-t", "a=1", "-t", "b=x=y", "--artifact-location", "/elsewhere")
    assert made["tags"] == {"a": "1", "b": "x=y"}
    assert made["artifact_location"] == "/elsewhere"
    assert (tmp_path / "stenoruns" / "steno.db").exists()
    assert "created experiment" in steno("experiments", "create", "newer").stdout


def test_a_taken_name_is_an_error(steno, seeded):
    assert "vision" in steno("experiments", "create", "vision", status=1).stderr


def test_a_tag_needs_a_value(steno):
    assert "KEY=VALUE" in steno("experiments", "create", "new", "-t", "a", status=2).stderr


def test_an_experiment_is_shown_with_its_runs(steno, seeded):
    page = steno("experiments", "show", "vision").stdout
    assert "eyes" in page
    assert "first" in page
    assert "third" not in page
    assert "no experiment has the id or name" in steno("experiments", "show", "nope", status=1).stderr


def test_rename_delete_and_restore(steno, steno_json, seeded):
    assert steno_json("experiments", "rename", "vision", "sight")["name"] == "sight"
    assert steno_json("experiments", "delete", "sight")["lifecycle_stage"] == "deleted"
    assert len(steno_json("runs", "list", "--view", "deleted")) == 2
    assert steno_json("experiments", "restore", seeded.vision)["lifecycle_stage"] == "active"
    assert len(steno_json("runs", "list")) == 3


@pytest.mark.parametrize("command", [("show",), ("rename", "x"), ("create",), ("delete",)])
def test_a_missing_argument_is_a_usage_error(steno, command):
    steno("experiments", *command, status=2)
