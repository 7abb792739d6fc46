"""A store that raises, refuses, hangs or loses its answer costs training nothing, and the run no point."""

from __future__ import annotations

import logging
import threading
import time

import pytest
import steno
import steno.errors
import steno.records
from steno.errors import StoreError
from steno.plugins import plugins
from steno.records import RunStatus
from steno.tracking import carrier, recovery
from steno.tracking.writer import writer

LARGE = 300_000
FAILING = ["raise", "unavailable", "refuse", "read-only"]


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch):
    """Let the writer ask a store that failed again soon."""
    monkeypatch.setattr(carrier, "FIRST_PAUSE_S", 0.02)
    monkeypatch.setattr(carrier, "LONGEST_PAUSE_S", 0.1)
    monkeypatch.setattr(writer, "_interval_s", 0.02)
    monkeypatch.setenv("STENO_FLUSH_INTERVAL_S", "0.02")


def _logged(points: int = 200, first: int = 0) -> str:
    with steno.start_run() as run:
        steno.log_param("lr", 0.1)
        for step in range(first, first + points):
            steno.log_metric("loss", float(step), step)
    return run.run_id


def _history(awkward, run_id: str) -> list[int]:
    return [m.step for m in steno.Client(awkward.plain).get_metric_history(run_id, "loss")]


@pytest.mark.parametrize("way", [*FAILING, "forget"])
def test_a_store_that_fails_and_comes_back_gets_every_point_once(awkward, wait, way):
    awkward.be(way)
    run_id = _logged()
    wait(lambda: any(carrier.failure for carrier in writer.pending()))
    awkward.be("")
    wait(lambda: not writer.pending())
    assert _history(awkward, run_id) == list(range(200))
    run = steno.get_run(run_id)
    assert (run.info.status, run.data.params) == (RunStatus.FINISHED, {"lr": "0.1"})
    wait(lambda: not list(awkward.journal.glob("*.journal")))


def test_answers_lost_all_along_double_nothing(awkward, wait):
    stop = threading.Event()

    def flicker() -> None:
        while not stop.wait(0.005):
            awkward.be("forget")
            stop.wait(0.02)
            awkward.be("")

    thread = threading.Thread(target=flicker)
    thread.start()
    with steno.start_run() as run:
        for step in range(3000):
            steno.log_metric("loss", float(step), step)
            if step % 10 == 0:
                time.sleep(0.001)
    stop.set()
    thread.join()
    awkward.be("")
    wait(lambda: not writer.pending())
    assert _history(awkward, run.run_id) == list(range(3000))


def test_a_store_that_hangs_holds_up_nobody_who_logs(awkward, wait):
    awkward.be("hang")
    done = threading.Event()
    ids: list[str] = []

    def train() -> None:
        ids.append(_logged(20_000))
        done.set()

    threading.Thread(target=train, daemon=True).start()
    assert done.wait(20), "logging waited for the store"
    awkward.be("")
    wait(lambda: not writer.pending())
    assert _history(awkward, ids[0]) == list(range(20_000))


def test_a_run_cannot_be_read_while_its_store_fails_and_then_it_can(awkward):
    run_id = _logged()
    steno.flush()
    awkward.be("refuse")
    with pytest.raises(StoreError, match="does not want"):
        steno.get_run(run_id)
    awkward.be("")
    assert steno.get_run(run_id).info.status == RunStatus.FINISHED


def test_one_failure_is_said_once_however_often_it_is_tried(awkward, caplog, wait):
    awkward.be("raise")
    with caplog.at_level(logging.INFO, "steno.writer"):
        _logged()
        time.sleep(0.5)
    said = [r for r in caplog.records if "waits in its journal" in r.getMessage()]
    assert [r.levelname for r in said] == ["WARNING"]
    awkward.be("")
    wait(lambda: not writer.pending())


def test_a_store_that_is_away_is_no_reason_for_a_warning(awkward, caplog, wait):
    awkward.be("unavailable")
    with caplog.at_level(logging.INFO, "steno.writer"):
        _logged()
        wait(lambda: "waits in its journal" in caplog.text)
    assert {r.levelname for r in caplog.records if "waits in its journal" in r.getMessage()} == {"INFO"}
    awkward.be("")
    wait(lambda: not writer.pending())


def test_a_failing_run_holds_up_no_other(awkward, wait, tmp_path):
    awkward.be("refuse")
    _logged()
    other = f"sqlite:///{tmp_path}/other/steno.db"
    steno.set_tracking_uri(other)
    fine = _logged(first=7)
    wait(lambda: all(c.source.run_id != fine for c in writer.pending()))
    assert len(steno.Client(other).get_metric_history(fine, "loss")) == 200


def test_a_gate_that_raises_withholds_and_delivers_later(awkward, wait, caplog):
    from awkward import Gate

    gate = Gate()
    gate.shut = True
    assert plugins().register(gate, "gate")
    try:
        with steno.start_run() as run:
            steno.log_params({"password": "secret", "lr": 1})
        wait(lambda: gate.seen > 2)
        with pytest.raises(steno.errors.NotFound):
            steno.Client(awkward.plain).get_run(run.run_id)
        gate.shut = False
        wait(lambda: not writer.pending())
        assert steno.get_run(run.run_id).data.params == {"password": "***", "lr": "1"}
    finally:
        plugins().unregister("gate")


def test_files_large_and_small_arrive_and_leave_the_spool(awkward, wait):
    awkward.be("forget")
    with steno.start_run() as run:
        for number in range(5):
            run.log_file(f"plots/{number}.bin", bytes([number]) * LARGE)
        run.log_file("small.txt", b"small")
    wait(lambda: any(carrier.failure for carrier in writer.pending()))
    assert len(list((awkward.journal / "spool").iterdir())) == 5
    awkward.be("")
    wait(lambda: not writer.pending())
    client = steno.Client(awkward.plain)
    found = [(f.path, f.file_size) for f in client.list_artifacts(run.run_id, "plots")]
    assert found == [(f"plots/{n}.bin", LARGE) for n in range(5)]
    assert client.load_text(run.run_id, "plots/3.bin") == "\3" * LARGE
    assert client.load_text(run.run_id, "small.txt") == "small"
    assert list((awkward.journal / "spool").iterdir()) == []


def test_a_file_is_not_lost_when_the_process_dies_between_store_and_acknowledgement(awkward, script):
    """The store has the batch, nobody noted it, and more was logged since: the token of the replay is stale."""
    out = script.run(
        "import os, steno, awkward\n"
        "from steno.plugins import plugins\n"
        "plugins().register(awkward, 'awkward')\n"
        "run = steno.start_run()\n"
        f"run.log_file('a.txt', b'A' * {LARGE})\n"
        f"open({str(awkward.folder / 'way')!r}, 'w').write('forget')\n"
        "run.flush()\n"
        f"run.log_file('b.txt', b'B' * {LARGE})\n"
        "run.log_file('c.txt', b'C')\n"
        "run.log_metric('loss', 1.0)\n"
        "print(run.run_id)\n"
        "os.sys.stdout.flush()\n"
        "os._exit(0)\n",
        STENO_TRACKING_URI=awkward.uri,
        STENO_FLUSH_INTERVAL_S="60",
    )
    awkward.be("")
    assert recovery.sync().delivered == 1
    client = steno.Client(awkward.plain)
    assert [f.path for f in client.list_artifacts(out.strip())] == ["a.txt", "b.txt", "c.txt"]
    assert len(client.get_metric_history(out.strip(), "loss")) == 1


def test_between_processes_the_first_value_of_a_param_stays_and_nothing_else_is_lost(awkward, wait, caplog):
    with steno.start_run() as run:
        steno.flush()
        steno.Client().store.write(run.run_id, steno.records.Batch(params={"lr": "theirs"}))
        steno.log_params({"lr": "ours", "other": 1})
        steno.log_metric("loss", 1.0)
    wait(lambda: not writer.pending())
    found = steno.get_run(run.run_id).data
    assert (found.params, found.metrics) == ({"lr": "theirs", "other": "1"}, {"loss": 1.0})
    assert "'lr'" in caplog.text


def test_a_run_deleted_elsewhere_keeps_its_points_until_it_is_restored(awkward, wait):
    with steno.start_run() as run:
        steno.log_metric("loss", 1.0, 1)
        steno.flush()
        steno.Client(awkward.plain).store.delete_run(run.run_id)
        steno.log_metric("loss", 2.0, 2)
    assert not steno.flush()
    steno.Client(awkward.plain).store.restore_run(run.run_id)
    wait(lambda: not writer.pending())
    assert _history(awkward, run.run_id) == [1, 2]


def test_a_run_begins_in_an_experiment_told_by_name_while_the_store_is_away(awkward, monkeypatch):
    monkeypatch.setenv("STENO_EXPERIMENT_NAME", "told from outside")
    awkward.be("unavailable")
    with steno.start_run() as run, steno.start_run(nested=True) as nested:
        steno.log_metric("m", 1.0)
    awkward.be("")
    experiment = steno.get_experiment(steno.get_run(run.run_id).info.experiment_id)
    assert experiment.name == "told from outside"
    assert steno.get_run(nested.run_id).info.experiment_id == experiment.experiment_id
    assert run.info.experiment_id == experiment.experiment_id
