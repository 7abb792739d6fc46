"""However a server fails, training is not held up, and everything arrives later, once."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time

import pytest
import steno
from steno.records import RunStatus, Tags
from steno.tracking import recovery
from steno.tracking.writer import writer
from steno_http.store import HttpStore

WAYS = ["closed", "silent", "full", "slow", "429", "500", "502", "half", "page", "lost"]
POINTS = 1500
MOST_S = 1.0  # of 1,500 points, a thousand times what they need

pytestmark = pytest.mark.usefixtures("quick")


def _train(points: int = POINTS) -> tuple[str, float]:
    began = time.perf_counter()
    with steno.start_run(run_name="outage") as run:
        steno.log_params({"lr": 0.1, "depth": 3})
        for step in range(points):
            steno.log_metric("loss", step / 7, step)
        steno.set_tag("done", "yes")
        run.log_file("notes/a.txt", b"as it was")
    return run.run_id, time.perf_counter() - began


def _writes(path: str) -> bool:
    return path.endswith(("/create", "/log-batch", "/update", "/write"))


def _arrived(url: str, run_id: str, points: int = POINTS) -> None:
    """Check that a server has a run whole, and once."""
    store = HttpStore(url)
    run = store.get_run(run_id)
    assert (run.info.run_id, run.info.status, run.info.run_name) == (run_id, RunStatus.FINISHED, "outage")
    assert run.data.params == {"lr": "0.1", "depth": "3"}
    assert run.data.tags["done"] == "yes"
    assert Tags.RUN_ID not in run.data.tags
    history = store.metric_history(run_id, "loss")
    assert (list(history.steps), list(history.values)) == (list(range(points)), [step / 7 for step in range(points)])
    assert steno.Client(url).load_text(run_id, "notes/a.txt") == "as it was"
    assert [each.info.run_id for each in steno.Client(url).search_runs(["0"])] == [run_id]


@pytest.mark.parametrize("way", WAYS)
def test_an_outage_costs_training_nothing_and_everything_arrives_once(tracked, upstream, wait, way):
    # Of what only asks, no answer is lost: else nothing would be written whose answer could be.
    tracked.be(way, only=_writes if way == "lost" else lambda path: True)
    run_id, took_s = _train()
    assert took_s < MOST_S
    time.sleep(0.3)
    tracked.be("")
    wait(lambda: not writer.pending(), 30)
    _arrived(upstream, run_id)


@pytest.mark.parametrize("upstream", ["steno"], indirect=True)
@pytest.mark.parametrize("way", ["closed", "silent", "full", "slow", "429", "500"])
def test_watched_fits_learn_the_same_in_an_outage_and_are_recorded_whole_after_it(tracked, upstream, wait, way):
    pytest.importorskip("sklearn")
    import numpy as np
    from sklearn.linear_model import LogisticRegression

    inputs = np.random.default_rng(0).normal(size=(60, 3))
    labels = (inputs[:, 0] > 0).astype(int)
    plain = LogisticRegression().fit(inputs, labels).coef_
    tracked.be(way)
    # Without models: the server is in this process, and would deliver what waits here as it is asked for one.
    steno.sklearn.autolog(log_models=False)
    try:
        fitted = [LogisticRegression(C=c).fit(inputs, labels) for c in (1.0, 2.0, 3.0)]
    finally:
        steno.autolog(disable=True)  # of scikit-learn alone it would be remembered
    assert fitted[0].coef_.tobytes() == plain.tobytes()
    assert writer.pending()
    tracked.be("")
    wait(lambda: not writer.pending(), 30)
    runs = {run.data.params["C"]: run for run in steno.Client(upstream).search_runs(["0"])}
    assert sorted(runs) == ["1.0", "2.0", "3.0"]
    assert {run.info.status for run in runs.values()} == {RunStatus.FINISHED}
    for model in fitted:
        assert runs[str(model.C)].data.metrics["training_score"] == model.score(inputs, labels)


def test_a_server_that_flickers_gets_everything_once(tracked, upstream, wait):
    stop = threading.Event()

    def flicker() -> None:
        for way in ["lost", "", "half", "503", "", "lost", "page", ""] * 30:
            tracked.be(way)
            if stop.wait(0.04):
                return

    thread = threading.Thread(target=flicker)
    thread.start()
    run_id, took_s = _train(5000)
    assert took_s < 3 * MOST_S
    wait(lambda: not writer.pending() or not thread.is_alive(), 30)
    stop.set()
    thread.join()
    tracked.be("")
    wait(lambda: not writer.pending(), 30)
    _arrived(upstream, run_id, 5000)


@pytest.mark.parametrize("upstream", ["mlflow"], indirect=True)
def test_a_run_is_made_once_though_the_answer_is_lost(tracked, upstream, wait):
    tracked.be("lost", only=lambda path: path.endswith("/runs/create"))
    run_id, _ = _train(10)
    wait(lambda: not writer.pending(), 30)
    assert [path for _, path, _ in tracked.asked if path.endswith("/runs/create")] == ["/api/2.0/mlflow/runs/create"]
    _arrived(upstream, run_id, 10)
    assert [each.info.run_id for each in steno.Client(upstream).search_runs(["0"], run_view_type="ALL")] == [run_id]


@pytest.mark.parametrize("upstream", ["mlflow"], indirect=True)
def test_a_run_that_a_server_made_late_besides_is_deleted(tracked, upstream, wait):
    tracked.be("late", only=lambda path: path.endswith("/runs/create"))
    with steno.start_run(run_name="outage") as run:
        steno.log_metric("loss", 1.0)
        wait(lambda: any(path.endswith("/runs/create") for _, path, _ in tracked.asked))
        tracked.be("")
        time.sleep(1.0)
        steno.log_metric("loss", 2.0, 1)
    wait(lambda: not writer.pending(), 30)
    assert [each.info.run_id for each in steno.Client(upstream).search_runs(["0"])] == [run.run_id]
    assert list(HttpStore(upstream).metric_history(run.run_id, "loss").values) == [1.0, 2.0]


def test_a_server_that_asks_to_wait_is_left_alone_as_long(tracked, wait):
    tracked.be("429")
    with steno.start_run():
        steno.log_metric("loss", 1.0)
        wait(lambda: tracked.asked)
        count = len(tracked.asked)
        time.sleep(0.6)
        assert len(tracked.asked) == count
    tracked.be("")
    wait(lambda: not writer.pending())


def test_what_a_process_could_not_deliver_the_next_one_does(tracked, upstream, tmp_path, monkeypatch):
    tracked.be("closed")
    script = (
        "import steno\n"
        "run = steno.start_run(run_name='outage')\n"
        "steno.log_params({'lr': 0.1, 'depth': 3}); steno.set_tag('done', 'yes')\n"
        "run.log_file('notes/a.txt', b'as it was')\n"
        "[steno.log_metric('loss', step / 7, step) for step in range(50)]\n"
        "print(run.run_id)\n"
        "steno.end_run()\n"
    )
    environ = {**os.environ, "STENO_TRACKING_URI": tracked.url, "STENO_EXIT_TIMEOUT_S": "0.5"}
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", script], env=environ, capture_output=True, text=True, check=True, timeout=60
    )
    assert time.monotonic() - began < 20
    assert "nothing is lost" in done.stderr
    tracked.be("")
    monkeypatch.setenv("STENO_HTTP_TIMEOUT_S", "10")  # it is tried once, and the machine may be busy
    report = recovery.sync()
    assert (report.delivered, report.failed) == (1, {})
    _arrived(upstream, done.stdout.strip(), 50)
