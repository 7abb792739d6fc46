"""Models that `log_model` and autologging make: what is theirs, and what a name means."""

from __future__ import annotations

import os
import subprocess
import sys
from array import array
from pathlib import Path

import numpy as np
import pytest
import steno
from sklearn.linear_model import LinearRegression
from sklearn.metrics import mean_squared_error
from steno.entities import LoggedModelOutput
from steno.errors import ModelError, NotFound, StoreUnavailable
from steno.records import Series
from steno.tracking import places, spool
from steno.tracking.frames import ModelEnd

X = np.arange(12.0).reshape(6, 2)


def fitted(slope=1.0):
    return LinearRegression(fit_intercept=False).fit(X, slope * X.sum(axis=1))


def slope(uri):
    return round(float(steno.load_model(uri).predict(X)[1] / X.sum(axis=1)[1]), 6)


def metrics_of(model_id):
    return sorted(each.key for each in steno.get_logged_model(model_id).metrics)


# -- log_model ------------------------------------------------------------------------------------------------


def test_no_model_is_overwritten_and_the_name_means_the_newest(tracking):
    with steno.start_run() as run:
        infos = [steno.log_model(fitted(each), name="model") for each in (1.0, 2.0, 3.0)]
    assert [slope(info.model_uri) for info in infos] == [1.0, 2.0, 3.0]
    assert slope(f"runs:/{run.run_id}/model") == 3.0
    assert len({info.artifact_path for info in infos}) == 3
    found = steno.get_run(run.run_id).outputs.model_outputs
    assert set(found) == {LoggedModelOutput(info.model_id) for info in infos}
    paths = [each.path for each in steno.Client().list_artifacts(run.run_id)]
    assert paths == ["model"]
    assert "model/MLmodel" in [each.path for each in steno.Client().list_artifacts(run.run_id, "model")]
    assert f"model_id: {infos[2].model_id}" in steno.Client().load_text(run.run_id, "model/MLmodel")


def test_a_model_has_the_runs_params_and_its_metrics_at_its_step(tracking):
    with steno.start_run() as run:
        steno.log_params({"lr": 0.1, "depth": 2})
        steno.log_metric("before", 0.5)
        steno.log_metric("elsewhere", 0.5, step=3)
        first = steno.log_model(fitted(), name="a", params={"depth": 3}, tags={"k": "v"}, model_type="linear")
        steno.log_metric("after", 0.75)
        second = steno.log_model(fitted(), name="b", step=4)
        steno.log_metric("first", 1.0)
        steno.log_metrics({"second": 1.0}, step=4)
        run.log_points([("points", 3, 1000, 0.5), ("points", 4, 1000, 0.5)])
        run.log_series(Series("series", array("q", [4]), array("q", [1000]), array("d", [0.5])))
    model = steno.get_logged_model(first.model_id)
    assert model.params == {"lr": "0.1", "depth": "3"}
    assert (model.tags["k"], model.model_type, model.status, model.source_run_id) == (
        "v",
        "linear",
        "READY",
        run.run_id,
    )
    assert metrics_of(first.model_id) == ["after", "before", "first"]
    assert metrics_of(second.model_id) == ["points", "second", "series"]
    assert steno.get_run(run.run_id).data.metrics["points"] == 0.5
    assert (first.name, first.params, first.run_id) == ("a", model.params, run.run_id)
    assert "sklearn" in first.flavors


def test_a_model_may_be_logged_without_a_run(tracking):
    info = steno.log_model(fitted(2.0), name="free")
    assert (info.run_id, steno.active_run(), slope(info.model_uri)) == (None, None, 2.0)
    assert steno.last_logged_model().name == "free"


def test_an_initialized_model_gets_its_files(tracking):
    with steno.start_run() as run:
        made = steno.create_external_model("m", params={"a": 1})
        info = steno.log_model(fitted(2.0), name="m", model_id=made.model_id, params={"b": 2})
    assert (info.model_id, slope(info.model_uri)) == (made.model_id, 2.0)
    model = steno.get_logged_model(made.model_id)
    assert (model.params, "mlflow.model.isExternal" in model.tags) == ({"a": "1", "b": "2"}, False)
    assert steno.get_run(run.run_id).outputs.model_outputs == [LoggedModelOutput(made.model_id)]


def test_a_model_that_cannot_be_written_is_none_and_one_without_room_has_failed(tracking, monkeypatch):
    with steno.start_run():
        with pytest.raises(ModelError):
            steno.log_model(object(), name="m")
        assert steno.search_logged_models(output_format="list") == []

        class Full:
            def put(self, key, source, *, move=False):
                raise StoreUnavailable("no room")

        with monkeypatch.context() as patch:
            patch.setattr(places, "artifact_store", lambda uri: Full())
            with pytest.raises(StoreUnavailable):
                steno.log_model(fitted(), name="m")
    (model,) = steno.search_logged_models(output_format="list")
    assert (model.status, model.status_message) == ("FAILED", "no room")
    with pytest.raises(NotFound, match="no room"):
        steno.load_model(model.model_uri)


def test_a_registered_model_tells_which_versions_it_became(tracking):
    info = steno.log_model(fitted(), name="m", registered_model_name="churn")
    steno.register_model(info.model_uri, "other")
    told = steno.get_logged_model(info.model_id).tags["mlflow.modelVersions"]
    assert told == '[{"name": "churn", "version": 1}, {"name": "other", "version": 1}]'


# -- autologging ----------------------------------------------------------------------------------------------


def test_an_autologged_model_is_an_entity_with_what_was_measured_of_it(tracking):
    steno.autolog(silent=True)
    try:
        model = LinearRegression().fit(X, X.sum(axis=1))
        mean_squared_error(X.sum(axis=1), model.predict(X))
        run = steno.last_active_run()
        (logged,) = steno.search_logged_models(output_format="list")
    finally:
        steno.autolog(disable=True)
    assert (logged.name, logged.status, logged.source_run_id) == ("model", "READY", run.info.run_id)
    assert logged.params == run.data.params
    assert {each.key: each.value for each in logged.metrics} == run.data.metrics
    assert any("mean_squared_error" in each.key and not each.key.startswith("training_") for each in logged.metrics)
    assert run.outputs.model_outputs == [LoggedModelOutput(logged.model_id)]
    assert steno.load_model(logged.model_uri).coef_.shape == (2,)


def test_an_autologged_model_is_whole_after_a_kill_however_often_it_is_replayed(tracking):
    code = f"""
import os, signal, steno
from sklearn.linear_model import LinearRegression
from steno.tracking.deferred import deferred
steno.set_tracking_uri({tracking!r})
steno.autolog(silent=True)
LinearRegression().fit([[1.0, 1.0], [2.0, 3.0]], [4.0, 10.0])
deferred.wait()  # it is in the journal then, and nowhere else
os.kill(os.getpid(), signal.SIGKILL)
"""
    environment = {**os.environ, "STENO_FLUSH_INTERVAL_S": "60"}
    done = subprocess.run([sys.executable, "-c", code], timeout=60, check=False, env=environment)
    assert done.returncode == -9
    for _ in range(2):
        (logged,) = steno.search_logged_models(output_format="list")
        assert (logged.name, logged.status, len(logged.metrics)) == ("model", "READY", 5)
        assert steno.load_model(logged.model_uri).predict([[1.0, 1.0]]) == pytest.approx([4.0])


def test_a_model_deleted_while_it_is_on_its_way_holds_nothing_up(tracking):
    with steno.start_run() as run:
        (Path("files") / "sub").mkdir(parents=True)
        (Path("files") / "sub" / "large.bin").write_bytes(bytes(100_000))
        store = places.run_store()
        store.create_logged_model("0", "m-1", "m", source_run_id=run.run_id)
        store.delete_logged_model("m-1")
        store.purge_logged_models(2**60)
        spool.append_file(run._own_journal(), "sub/large.bin", Path("files/sub/large.bin"), "m-1")
        run._own_journal().append(ModelEnd("m-1", "READY"))
        steno.log_metric("after", 1.0)
        assert run.flush()
    assert steno.get_run(run.run_id).data.metrics == {"after": 1.0}
