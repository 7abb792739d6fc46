"""`steno models logged` on a real store, and what `steno gc` does with logged models."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import steno as tracked
from sklearn.linear_model import LinearRegression

X = np.arange(12.0).reshape(6, 2)


@pytest.fixture
def infos(tracking):
    """Two models of two runs, the second registered, and one of none."""

    def log(slope, **options):
        return tracked.log_model(LinearRegression().fit(X, slope * X.sum(axis=1)), **options)

    made = []
    for slope in (1.0, 2.0):
        with tracked.start_run(run_name=f"slope-{slope:g}"):
            tracked.log_param("slope", slope)
            tracked.log_input(tracked.data.from_numpy(X, name="toy"), context="training")
            tracked.log_metric("error", slope / 10)
            made.append(log(slope, name="model", registered_model_name="churn" if slope == 2.0 else None))
    return [*made, log(3.0, name="free", tags={"team": "red"})]


def test_logged_models_are_listed_the_newest_first(steno, steno_json, infos):
    assert [each["model_id"] for each in steno_json("models", "logged", "list")] == [e.model_id for e in infos[::-1]]
    (of_run,) = steno_json("models", "logged", "list", "--run", infos[0].run_id)
    assert (of_run["name"], of_run["params"]) == ("model", {"slope": "1.0"})
    page = steno("models", "logged", "list", "-n", "2")
    assert "free" in page.stdout
    assert "error 0.2" in page.stdout
    assert "there are more" in page.stderr


def test_every_command_of_logged_models_has_json(steno, infos):
    for name in ("list", "search", "show", "delete", "restore"):
        assert "--json" in steno("models", "logged", name, "--help").stdout


def test_logged_models_are_searched(steno, steno_json, infos):
    found = steno_json("models", "logged", "search", "metrics.error < 0.15")
    assert [each["model_id"] for each in found] == [infos[0].model_id]
    ordered = steno_json("models", "logged", "search", "name = 'model'", "-o", "metrics.error DESC")
    assert [each["params"]["slope"] for each in ordered] == ["2.0", "1.0"]
    assert steno_json("models", "logged", "search", "name = 'model'", "-e", "Default", "-n", "1") != []
    assert steno("models", "logged", "search", "name = 'x'").stdout == "no logged models\n"
    assert "position" in steno("models", "logged", "search", "name ~ 'x'", status=1).stderr


def test_a_logged_model_is_shown_whole_by_a_part_of_its_id(steno, steno_json, infos):
    page = steno("models", "logged", "show", infos[1].model_id[:8]).stdout
    for text in (infos[1].model_id, "READY", "slope", "error", "slope-2", "toy", "churn"):
        assert text in page
    shown = steno_json("models", "logged", "show", infos[2].model_uri)
    assert (shown["model"]["tags"], shown["inputs"]) == ({"team": "red"}, None)
    assert "no logged model has the id" in steno("models", "logged", "show", "nope", status=1).stderr
    assert "may mean several" in steno("models", "logged", "show", "m-", status=1).stderr


def test_a_logged_model_is_deleted_and_restored(steno, steno_json, infos):
    model_id = infos[2].model_id
    assert "deleted" in steno("models", "logged", "delete", model_id).stdout
    assert model_id not in steno("models", "logged", "list").stdout
    assert "restore" in steno("models", "logged", "show", model_id).stdout
    steno("models", "logged", "restore", model_id)
    assert tracked.load_model(infos[2].model_uri).coef_[0] == pytest.approx(3.0)


def test_artifacts_of_a_run_show_its_models(steno, steno_json, infos, tmp_path):
    assert [each["path"] for each in steno_json("artifacts", "list", infos[0].run_id)] == ["model"]
    found = steno_json("artifacts", "list", infos[0].run_id, "--recursive")
    assert "model/MLmodel" in [each["path"] for each in found]
    assert infos[0].model_id in steno("artifacts", "show", infos[0].run_id, "model/MLmodel").stdout
    steno("artifacts", "download", infos[0].run_id, "-d", str(tmp_path / "to"))
    assert (tmp_path / "to" / "model" / "MLmodel").is_file()


def test_gc_removes_deleted_models_and_those_of_deleted_runs_but_no_registered_one(steno, steno_json, infos):
    places = [Path(info.artifact_path) for info in infos]
    client = tracked.Client()
    for info in infos[:2]:
        client.delete_run(info.run_id)
    client.delete_logged_model(infos[2].model_id)
    done = steno_json("gc", "--yes", "--older-than", "0s")
    assert sorted(done["models"]) == sorted([infos[0].model_id, infos[2].model_id])
    assert [place.exists() for place in places] == [False, True, False]
    assert tracked.load_model("models:/churn/1").coef_[0] == pytest.approx(2.0)
    assert client.get_logged_model(infos[1].model_id).params == {"slope": "2.0"}
