"""`steno models` on a real store."""

from __future__ import annotations

import json
import shutil
import time

import numpy as np
import pytest
import steno as tracked
from sklearn.linear_model import LinearRegression

X = np.arange(12.0).reshape(6, 2)


@pytest.fixture
def models(tracking):
    """The model "churn" with two versions of two runs: the second is in production and the champion."""
    infos = []
    for slope in (1.0, 2.0):
        with tracked.start_run(run_name=f"slope-{slope:g}"):
            tracked.log_param("slope", slope)
            tracked.log_param("kind", "linear")
            tracked.log_metric("error", slope / 10)
            data = tracked.data.from_numpy(X, name="toy")
            tracked.log_input(data, context="training")
            model = LinearRegression().fit(X, slope * X.sum(axis=1))
            infos.append(tracked.sklearn.log_model(model, name="model", registered_model_name="churn", input_example=X))
    client = tracked.Client()
    client.transition_model_version_stage("churn", 2, "Production")
    client.set_registered_model_alias("churn", "champion", 2)
    return infos


def test_models_are_listed_with_their_versions_stages_and_aliases(steno, steno_json, models):
    page = steno("models", "list").stdout
    assert "churn" in page
    assert "@champion 2" in page
    assert "Production 2" in page
    (model,) = steno_json("models", "list")
    assert (model["name"], model["aliases"]) == ("churn", {"champion": "2"})


def test_an_empty_registry_is_no_error(steno, steno_json, tracking):
    tracked.Client().search_registered_models()
    assert "no registered models" in steno("models", "list").stdout
    assert steno_json("models", "list") == []
    assert "nothing happened" in steno("models", "history").stdout
    assert steno("models", "at", "2026-01-31").stdout == "none\n"


def test_looking_creates_no_store(steno, tmp_path):
    assert "there is no store" in steno("models", "list", status=1).stderr
    assert list(tmp_path.iterdir()) == []


def test_a_model_and_a_version_are_shown_whole(steno, steno_json, models):
    page = steno("models", "show", "churn").stdout
    assert "champion" in page
    assert "Production" in page
    page = steno("models", "show", "churn@champion").stdout
    for word in (models[1].run_id, "slope-2", "error", "0.2", "toy", "training", "sklearn", "Production"):
        assert word in page, word
    shown = steno_json("models", "show", "churn/1")
    assert shown["version"]["run_id"] == models[0].run_id
    assert shown["run"]["data"]["params"]["slope"] == "1.0"
    assert shown["model"]["flavors"]["sklearn"]["sklearn_version"]
    assert shown["files"].endswith(f"/models/{models[0].model_id}/artifacts")
    assert [each["version"] for each in steno_json("models", "show", "churn")["versions"]] == ["2", "1"]


def test_a_version_whose_files_or_run_are_gone_is_shown_all_the_same(steno, models):
    shutil.rmtree(tracked.Client().get_model_version_download_uri("churn", 1))
    assert "gone" in steno("models", "show", "churn/1").stdout
    assert "gone" not in steno("models", "show", "churn/2").stdout


def test_versions_are_listed_highest_first(steno, steno_json, models):
    assert [each["version"] for each in steno_json("models", "versions", "churn")] == ["2", "1"]
    assert "@champion" in steno("models", "versions", "churn").stdout
    assert "nobody" in steno("models", "versions", "nobody", status=1).stderr


def test_models_and_versions_are_searched(steno, steno_json, models):
    tracked.Client().create_registered_model("other", {"team": "red"})
    assert [each["name"] for each in steno_json("models", "search", "tags.team = 'red'")] == ["other"]
    found = steno_json("models", "search", "--versions", "version_number > 1")
    assert [(each["name"], each["version"]) for each in found] == [("churn", "2")]
    assert "no versions" in steno("models", "search", "--versions", "name = 'x'").stdout
    assert "-n 5" in steno("models", "list", "-n", "1").stderr
    assert "^" in steno("models", "search", "name ~ 'x'", status=1).stderr


def test_a_model_is_registered_and_copied(steno, steno_json, models):
    made = steno_json("models", "register", models[0].model_uri, "again", "-t", "a=1", "-d", "by hand")
    assert (made["version"], made["tags"], made["description"]) == ("1", {"a": "1"}, "by hand")
    assert "registered again/2" in steno("models", "register", models[0].model_uri, "again").stdout
    assert steno_json("models", "copy", "churn@champion", "live")["source"] == "models:/churn/2"
    assert "there is no model" in steno("models", "register", "nowhere", "again", status=1).stderr
    assert "KEY=VALUE" in steno("models", "register", "x", "again", "-t", "a", status=2).stderr


def test_aliases_are_set_moved_and_removed(steno, steno_json, models):
    assert "churn@champion is churn/1" in steno("models", "alias", "churn/1", "champion").stdout
    assert steno_json("models", "alias", "churn/2", "next")["aliases"] == ["next"]
    assert steno_json("models", "alias", "churn", "champion", "--delete")["aliases"] == {"next": "2"}
    assert "latest" in steno("models", "alias", "churn/1", "latest", status=1).stderr


def test_a_version_is_moved_and_what_was_there_archived(steno, steno_json, models):
    said = steno("models", "stage", "churn/1", "production", "--archive").stdout
    assert said == "churn/1 was None and is Production\n"
    assert steno_json("models", "show", "churn/2")["version"]["current_stage"] == "Archived"
    steno("models", "stage", "churn/1", "live", status=2)


def test_tags_and_descriptions_are_of_a_model_or_a_version(steno, steno_json, models):
    assert steno_json("models", "tag", "churn", "team=red", "n=1")["tags"] == {"team": "red", "n": "1"}
    assert steno_json("models", "tag", "churn", "--delete", "n")["tags"] == {"team": "red"}
    assert steno_json("models", "tag", "churn@champion", "ok=yes")["tags"] == {"ok": "yes"}
    assert steno("models", "tag", "churn/2", "-d", "ok").stdout == "churn/2: no tags\n"
    assert steno_json("models", "describe", "churn", "who leaves")["description"] == "who leaves"
    assert steno_json("models", "describe", "churn/1", "the first")["description"] == "the first"
    steno("models", "tag", "churn", status=2)


def test_a_model_is_renamed(steno, steno_json, models):
    assert steno_json("models", "rename", "churn", "leavers")["name"] == "leavers"
    assert "nobody" in steno("models", "rename", "nobody", "x", status=1).stderr


def test_deleting_asks_first(steno, steno_json, models):
    kept = steno("models", "delete", "churn/1", stdin="n\n", status=1)
    assert "for good?" in kept.stderr
    assert len(steno_json("models", "versions", "churn")) == 2
    assert steno_json("models", "delete", "churn/1", "--yes") == {"name": "churn", "removed": ["1"]}
    assert "removed churn" in steno("models", "delete", "churn", stdin="y\n").stdout
    assert steno_json("models", "list") == []


def test_the_files_of_a_registered_model_outlive_their_run(steno, steno_json, models):
    with tracked.start_run() as other:
        tracked.log_text("x", "note.txt")
    for info in models:
        tracked.delete_run(info.run_id)
    tracked.delete_run(other.info.run_id)
    tracked.Client().delete_model_version("churn", 1)
    done = steno_json("gc", "--yes", "--older-than", "0s")
    assert len(done["runs"]) == 3
    assert (done["models"], done["problems"]) == ([models[0].model_id], [])
    assert tracked.load_model("models:/churn/2").coef_ == pytest.approx([2.0, 2.0])
    assert "it is not here any more" in steno("models", "show", "churn/2").stdout


def test_history_tells_who_did_what(steno, steno_json, models, monkeypatch):
    monkeypatch.setenv("STENO_USERNAME", "grace")
    steno("models", "delete", "churn", "-y")
    told = steno_json("models", "history", "churn")
    assert told[0]["change"] == "model created"
    assert (told[-1]["change"], told[-1]["user"]) == ("model deleted", "grace")
    page = steno("models", "history", "-n", "2")
    assert "grace" in page.stdout
    assert "earlier changes" in page.stderr
    assert "never was" in steno("models", "history", "nobody", status=1).stderr
    assert steno_json("models", "history", "churn", "--until", "2001-01-01") == []


def test_what_was_in_production_at_a_time_is_told(steno, steno_json, models):
    moment = time.strftime("%Y-%m-%d")
    found = steno_json("models", "at", moment, "churn", "--stage", "production")
    assert [(each["version"], each["run_id"]) for each in found] == [("2", models[1].run_id)]
    assert [each["version"] for each in steno_json("models", "at", moment, "--alias", "champion")] == ["2"]
    assert steno_json("models", "at", "2001-01-31") == []
    assert "Production" in steno("models", "at", moment).stdout
    assert "no time" in steno("models", "at", "someday", status=1).stderr


def test_two_versions_are_compared_down_to_their_runs(steno, steno_json, models):
    differs = steno_json("models", "diff", "churn/1", "churn@champion")
    assert differs["versions"] == ["churn/1", "churn/2"]
    assert differs["params"] == {"slope": ["1.0", "2.0"]}
    assert differs["metrics"] == {"error": [0.1, 0.2]}
    assert differs["version"]["current_stage"] == ["None", "Production"]
    assert differs["requirements"] == {}
    assert differs["datasets"] == {}
    whole = steno_json("models", "diff", "churn/1", "churn/2", "--all")
    assert whole["params"]["kind"] == ["linear", "linear"]
    assert "scikit-learn" in whole["requirements"]
    page = steno("models", "diff", "churn/1", "churn/2").stdout
    assert "Production" in page
    assert "params slope" in page


@pytest.mark.parametrize("version", ["churn/9", "churn@nobody", "nobody/1", "churn/Staging", "churn/live", "a:b/1"])
def test_a_version_that_is_not_there_is_an_error_in_a_line(steno, models, version):
    for command in (["show"], ["stage", "Production"], ["diff", "churn/1"], ["delete", "-y"]):
        name, *rest = command
        said = steno("models", name, version, *rest, status=1).stderr
        assert said.startswith("Error: ")
        assert said.count("\n") == 1


def test_every_command_has_json(steno_json, steno, models):
    help_ = steno("models", "--help").stdout
    commands = [line.split()[0] for line in help_.split("Commands:")[1].splitlines() if line.strip()]
    expected = """
        alias at build-docker copy delete describe diff generate-dockerfile generate-k8s history list logged predict
        prepare-env register rename search serve show stage tag verify versions
    """
    assert sorted(commands) == expected.split()
    commands.remove("logged")  # a group; its commands are in test_logged_models.py
    assert all("--json" in steno("models", name, "--help").stdout for name in commands)
    assert json.loads(steno("--json", "models", "list").stdout)


def test_a_text_from_outside_reaches_the_terminal_harmless(steno, models):
    tracked.Client().update_registered_model("churn", "\x1b[31m[bold]red\nline")
    page = steno("models", "list").stdout
    assert "\x1b" not in page
    assert "[bold]red" in page
