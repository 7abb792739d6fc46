"""Observers of written batches: they see what the store has, and can hold up neither it nor the end of a process."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import steno
from steno import hookimpl
from steno.errors import StoreUnavailable
from steno.plugins import Plugins, plugins, watchers
from steno.records import Batch
from steno.tracking import places, recovery


class Mirror:
    """Keeps what it is shown, in memory."""

    def __init__(self, before: Callable[[Batch], object] = lambda batch: None) -> None:
        self.seen: list[tuple[str, Batch, str]] = []
        self.threads: set[str] = set()
        self._before = before

    @hookimpl
    def steno_batch_written(self, run_id, batch, store_uri):
        self.threads.add(threading.current_thread().name)
        self._before(batch)
        self.seen.append((run_id, batch, store_uri))

    def points(self, key: str) -> list[float]:
        return [value for _, batch, _ in self.seen if key in batch.series for value in batch.series[key].values]


@contextmanager
def watching(mirror: object, name: str = "mirror") -> Iterator[None]:
    plugins().register(mirror, name)
    try:
        yield
    finally:
        plugins().unregister(name)


def test_steno_batch_written_shows_what_the_store_has_on_a_thread_of_the_plugins_own(tracking):
    mirror = Mirror()
    with watching(mirror):
        with steno.start_run() as run:
            steno.log_param("depth", 3)
            for step in range(100):
                steno.log_metric("loss", step / 7, step)
        assert steno.flush()
    assert mirror.points("loss") == [point.value for point in steno.Client().get_metric_history(run.run_id, "loss")]
    assert {(run_id, uri) for run_id, _, uri in mirror.seen} == {(run.run_id, tracking)}
    assert mirror.seen[0][1].start.run_name == run.info.run_name
    assert mirror.seen[0][1].start.experiment_id == run.info.experiment_id, "an id, no longer a name"
    assert mirror.seen[0][1].params == {"depth": "3"}
    assert mirror.seen[-1][1].change.status == "FINISHED"
    assert mirror.threads == {"steno-observer-mirror"}


def test_an_observer_sees_what_the_gates_let_pass(tracking):
    class Gate:
        @hookimpl
        def steno_before_write(self, batch):
            batch.params.pop("password", None)

    mirror = Mirror()
    with watching(Gate(), "gate"), watching(mirror):
        with steno.start_run():
            steno.log_params({"password": "x", "depth": 3})
        steno.flush()
    assert [batch.params for _, batch, _ in mirror.seen] == [{"depth": "3"}]


def test_a_write_that_fails_is_shown_once_it_is_made(tracking, monkeypatch):
    mirror = Mirror()
    store = places.run_store()
    write, lost = store.write, [True]

    def written_but_not_acknowledged(*args):
        write(*args)
        if lost:
            raise StoreUnavailable("the answer was lost")

    monkeypatch.setattr(store, "write", written_but_not_acknowledged)
    with watching(mirror):
        with steno.start_run():
            steno.log_metric("loss", 1.0)
            assert not steno.flush()
            assert mirror.seen == []
            lost.clear()
        assert steno.flush()
    assert mirror.points("loss") == [1.0]


def test_an_observer_that_raises_is_said_once_and_others_see_everything(tracking, caplog):
    def fail(batch: Batch) -> None:
        raise SystemExit(3)

    broken, mirror = Mirror(lambda batch: 1 / 0), Mirror()
    with watching(broken, "broken"), watching(Mirror(fail), "leaves"), watching(mirror):
        for value in (1.0, 2.0):
            with steno.start_run() as run:
                steno.log_metric("loss", value)
            assert steno.flush()
    assert mirror.points("loss") == [1.0, 2.0]
    assert len([r for r in caplog.records if "ZeroDivisionError" in r.getMessage()]) == 1
    assert steno.get_run(run.run_id).data.metrics == {"loss": 2.0}


def test_an_observer_that_hangs_holds_up_neither_the_store_nor_another_observer(tracking, caplog, monkeypatch, wait):
    monkeypatch.setattr(watchers, "PATIENCE_S", 0.2)
    monkeypatch.setattr(watchers, "LIMIT_BYTES", 4000)
    released = threading.Event()
    hanging, mirror = Mirror(lambda batch: released.wait(60)), Mirror()
    with watching(hanging, "hanging"), watching(mirror):
        begun = time.monotonic()
        for value in range(20):
            with steno.start_run() as run:
                steno.log_metric("loss", float(value))
            assert steno.flush()
            assert steno.get_run(run.run_id).data.metrics == {"loss": float(value)}
        assert time.monotonic() - begun < 10
        assert mirror.points("loss") == [float(value) for value in range(20)]
        released.set()
        wait(lambda: hanging.points("loss"))
        wait(lambda: steno.flush() and plugins().hooks.settle(5) == [])
    assert 0 < len(hanging.points("loss")) < 20
    said = [r.getMessage() for r in caplog.records if "does not keep up" in r.getMessage()]
    assert len(said) == 1
    assert "'hanging'" in said[0]


def test_an_observer_that_is_slow_misses_nothing(tracking, monkeypatch):
    monkeypatch.setattr(watchers, "LIMIT_BYTES", 4000)
    mirror = Mirror(lambda batch: time.sleep(0.02))
    with watching(mirror):
        for value in range(30):
            with steno.start_run():
                steno.log_metric("loss", float(value))
            steno.tracking.writer.writer.flush()
        steno.flush()
    assert mirror.points("loss") == [float(value) for value in range(30)]


def test_what_waits_for_an_observer_is_bounded(wait):
    watcher, released = watchers.Watcher("bounded"), threading.Event()
    watcher.put(lambda: released.wait(60), 10)
    assert watcher.put(lambda: None, watchers.LIMIT_BYTES - 10)
    watcher._busy_since -= 60  # it has been at it for a minute
    assert not watcher.put(lambda: None, 1)
    assert not watcher.settle(time.monotonic() + 5)
    released.set()
    wait(lambda: watcher.settle(time.monotonic() + 5))
    assert watcher.put(lambda: None, 2 * watchers.LIMIT_BYTES), "alone, anything passes"
    assert watcher.settle(time.monotonic() + 5)


def test_a_forked_child_shows_what_it_writes_and_nothing_of_its_parents(tracking, tmp_path):
    def note(batch: Batch) -> None:
        if "loss" in batch.series:
            with (tmp_path / "seen").open("a") as file:
                file.write(f"{os.getpid()} {list(batch.series['loss'].values)}\n")

    with watching(Mirror(note)):
        with steno.start_run():
            steno.log_metric("loss", 1.0)
            steno.flush()
            child = os.fork()
            if not child:
                steno.log_metric("loss", 2.0)
                steno.flush()
                os._exit(0)
            os.waitpid(child, 0)
        steno.flush()
    assert (tmp_path / "seen").read_text() == f"{os.getpid()} [1.0]\n{child} [2.0]\n"


LEFT = """
import os, signal, steno
steno.set_tracking_uri("runs")
run = steno.start_run()
for step in range(1000):
    steno.log_metric("loss", step / 3, step)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_process_left_is_shown_when_it_is_delivered(tracking, tmp_path):
    environ = {**os.environ, "STENO_FLUSH_INTERVAL_S": "60"}
    subprocess.run([sys.executable, "-c", LEFT], cwd=tmp_path, env=environ, timeout=60, check=False)
    mirror = Mirror()
    with watching(mirror):
        report = recovery.sync()
        assert recovery.sync().delivered == 0
    assert report.delivered == 1
    assert mirror.points("loss") == [step / 3 for step in range(1000)]
    assert mirror.seen[-1][1].change.status == "KILLED"


HANGS = """
import threading, time, steno
from steno.plugins import plugins
class Mirror:
    @steno.hookimpl
    def steno_batch_written(self, batch):
        threading.Event().wait()
plugins().register(Mirror(), "hanging")
steno.set_tracking_uri("runs")
with steno.start_run(run_name="it"):
    steno.log_metric("loss", 1.0)
"""


def test_an_observer_that_hangs_does_not_hold_the_end_of_a_process(tracking, tmp_path):
    environ = {**os.environ, "STENO_EXIT_TIMEOUT_S": "4"}
    begun = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", HANGS], cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=60, check=True
    )
    assert time.monotonic() - begun < 25
    assert done.stderr.count("plugin 'hanging' could not be shown all that was recorded") == 1
    (run,) = steno.search_runs(output_format="list")
    assert (run.info.status, run.data.metrics) == ("FINISHED", {"loss": 1.0})


def test_nobody_who_watches_costs_next_to_nothing():
    hooks, batch = Plugins().hooks, Batch()
    best_s = min(_seconds(lambda: hooks.batch_written("r", batch, "sqlite:///x.db")) for _ in range(5))
    assert best_s < 20e-6
    assert hooks._watchers == {}


def _seconds(call: Callable[[], object], times: int = 1000) -> float:
    begun = time.perf_counter()
    for _ in range(times):
        call()
    return (time.perf_counter() - begun) / times


def test_a_thread_that_cannot_be_started_fails_no_write(tracking, monkeypatch, caplog):
    def none(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    mirror = Mirror()
    with watching(mirror), caplog.at_level(logging.WARNING):
        run = steno.start_run()
        steno.flush()
        plugins().hooks._watchers.pop("mirror")
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", none)
            steno.log_metric("loss", 1.0)
            assert steno.flush()
        run.end()
    assert "can't start new thread" in caplog.text
    assert steno.get_run(run.run_id).data.metrics == {"loss": 1.0}


def test_the_folder_of_the_store_is_all_an_observer_needs_to_ask_for_more(tracking, tmp_path: Path):
    found = []

    class Asks:
        @hookimpl
        def steno_batch_written(self, run_id, store_uri):
            found.append(steno.Client(store_uri).store.get_run(run_id).info.run_name)

    with watching(Asks()):
        with steno.start_run(run_name="asked"):
            pass
        steno.set_tracking_uri(tmp_path / "elsewhere")
        steno.flush()
        steno.set_tracking_uri(tmp_path / "runs")
    assert found == ["asked"]


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    """Let no watcher of one test be there in the next."""
    yield
    plugins().hooks._watchers.clear()
