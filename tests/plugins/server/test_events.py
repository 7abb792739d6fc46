"""Who listens hears what changes in runs, whoever writes it; who reads slowly, or comes back, is told of a gap."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import time
from contextlib import contextmanager

import pytest
from steno.records import Batch, RunChange, RunStart
from steno_server import listeners, looking, watching
from steno_sql.store import SqlStore

from .test_command import ask, started

EVENTS = "/api/steno/v1/events?"


class Hearing:
    """One connection that listens."""

    def __init__(self, port, query, last="", receive_bytes=None):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        if receive_bytes:
            self.connection.sock = socket.socket()
            self.connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
            self.connection.sock.settimeout(20)
            self.connection.sock.connect(("127.0.0.1", port))
        self.connection.request("GET", EVENTS + query, headers={"Last-Event-ID": last} if last else {})
        self.answer = self.connection.getresponse()
        self.last = ""

    def next(self):
        """Return name and runs of the next event, by id; signs of life are passed over."""
        event = {}
        while line := self.answer.readline().decode():
            name, _, value = line.rstrip("\n").partition(": ")
            if name and not name.startswith(":"):
                event[name] = value
            elif event:
                self.last = event["id"]
                return event["event"], {run["run_id"]: run for run in json.loads(event["data"])["runs"]}
        raise AssertionError("there is no next event")


@contextmanager
def listening_to(server, query, last="", **more):
    port = server if isinstance(server, int) else server.port
    hearing = Hearing(port, query, last, **more)
    try:
        assert hearing.answer.status == 200, hearing.answer.read()
        assert hearing.answer.headers["Content-Type"].startswith("text/event-stream")
        yield hearing
    finally:
        hearing.connection.close()
        hearing.answer.close()


@pytest.fixture(autouse=True)
def looked_often(monkeypatch):
    monkeypatch.setattr(watching, "POLL_S", 0.02)
    monkeypatch.setattr(watching, "SHARE", 2)


def log(server, run_id, step, value=1.5, key="loss"):
    point = {"run_id": run_id, "key": key, "value": value, "timestamp": 1000 + step, "step": step}
    server.call("POST", "runs/log-metric", point)


def test_the_life_of_a_run_is_told_as_it_happens(server):
    experiment_id = server.experiment()
    old = server.run(experiment_id=experiment_id)
    log(server, old, 7, "NaN")
    with listening_to(server, f"experiment_id={experiment_id}") as hearing:
        name, runs = hearing.next()
        assert (name, list(runs), runs[old]["status"]) == ("state", [old], "RUNNING")
        assert runs[old]["metrics"] == {"loss": {"step": 7, "timestamp": 1007, "value": "NaN", "count": 1}}
        new = server.run(experiment_id=experiment_id, run_name="second")
        name, runs = hearing.next()
        assert (name, list(runs)) == ("changes", [new])
        assert (runs[new]["change"], runs[new]["run_name"]) == ("created", "second")
        log(server, new, 3)
        assert hearing.next()[1][new]["metrics"]["loss"] == {"step": 3, "timestamp": 1003, "value": 1.5, "count": 1}
        log(server, new, 1, key="other")
        assert list(hearing.next()[1][new]["metrics"]) == ["other"]
        server.call("POST", "runs/update", {"run_id": new, "status": "FAILED", "end_time": 5})
        run = hearing.next()[1][new]
        assert (run["change"], run["status"], run["end_time"]) == ("finished", "FAILED", 5)
        server.call("POST", "runs/delete", {"run_id": old})
        run = hearing.next()[1][old]
        assert (run["change"], run["lifecycle_stage"]) == ("updated", "deleted")
    with listening_to(server, f"run_id={new}") as hearing:
        assert hearing.next()[1][new]["metrics"].keys() == {"loss", "other"}
        server.run(experiment_id=experiment_id)
        server.call("POST", "runs/update", {"run_id": new, "run_name": "renamed"})
        assert hearing.next()[1][new]["run_name"] == "renamed"


def test_a_run_that_ends_when_newer_ones_have_come_is_told_too(server, monkeypatch):
    monkeypatch.setattr(looking, "NEWEST", 2)
    experiment_id = server.experiment()
    first = server.run(experiment_id=experiment_id, start_time=1)
    for number in range(3):
        server.run(experiment_id=experiment_id, start_time=10 + number)
    with listening_to(server, f"experiment_id={experiment_id}") as hearing:
        assert len(hearing.next()[1]) == 4
        server.call("POST", "runs/update", {"run_id": first, "status": "FINISHED"})
        assert hearing.next()[1][first]["change"] == "finished"


def test_more_runs_than_are_looked_at_may_have_come_and_gone_unseen(tmp_path, monkeypatch):
    monkeypatch.setattr(looking, "NEWEST", 2)
    store, topic = SqlStore(f"sqlite:///{tmp_path}/s.db"), looking.Topic(experiment_id="0")
    before = looking.look(store, topic, {}).runs
    for count, is_whole in ((1, True), (2, False)):
        for number in range(count):
            start = RunStart("0", "run", 10 * count + number)
            store.write(f"run-{count}-{number}", Batch(start=start, change=RunChange("FINISHED")))
        seen = looking.look(store, topic, before)
        assert (seen.is_whole, len(seen.runs)) == (is_whole, count)
        before = seen.runs
    store.close()


def test_who_comes_back_hears_what_was_missed_or_that_something_was(server):
    run_id = server.run()
    query = f"run_id={run_id}"
    with listening_to(server, query) as staying:
        staying.next()
        with listening_to(server, query) as leaving:
            assert leaving.next()[0] == "state"
        states = []
        for step in (1, 2):
            log(server, run_id, step)
            staying.next()
            states.append(staying.last)
        with listening_to(server, query, last=leaving.last) as back:
            assert [back.next()[1][run_id]["metrics"]["loss"]["count"] for _ in range(2)] == [1, 2]
        assert back.last == staying.last
        with listening_to(server, query, last=states[0]) as between:
            assert between.next()[1][run_id]["metrics"]["loss"]["count"] == 2
        with listening_to(server, query, last="what was never told") as stranger:
            assert stranger.next() == ("reload", {})
        with listening_to(server, query, last=staying.last) as same:
            log(server, run_id, 3)
            assert same.next()[1][run_id]["metrics"]["loss"]["step"] == 3
    log(server, run_id, 4)
    with listening_to(server, query, last=same.last) as late:
        assert late.next() == ("reload", {})
        log(server, run_id, 5)
        assert late.next()[0] == "changes"


def test_who_reads_slowly_is_told_to_load_anew_and_ends_where_the_others_are(server, monkeypatch):
    monkeypatch.setattr(watching, "MOST_WAITING", 2)
    monkeypatch.setattr(looking, "MOST_METRICS", 1000)
    run_id = server.run()
    query, keys = f"run_id={run_id}", [f"{'m' * 240}{number}" for number in range(1000)]
    with listening_to(server, query, receive_bytes=4096) as slow, listening_to(server, query) as fast:
        fast.next()
        for step in range(16):  # about 5 MB: more than the system takes on its own
            points = [{"key": key, "value": 1, "timestamp": step, "step": step} for key in keys]
            server.call("POST", "runs/log-batch", {"run_id": run_id, "metrics": points})
            assert fast.next()[1][run_id]["metrics"][keys[0]]["step"] == step
        names = []
        while slow.last != fast.last:
            names.append(slow.next()[0])
    assert "reload" in names
    assert len(names) < 16


def test_nobody_looks_when_nobody_listens_and_only_so_many_may(serve, monkeypatch):
    looks = []
    look = looking.look
    monkeypatch.setattr(looking, "look", lambda *given: looks.append(1) or look(*given))
    monkeypatch.setattr(listeners, "MOST_LISTENERS", 2)
    with serve() as server:
        server.experiment()
        time.sleep(0.2)
        assert not looks
        with listening_to(server, "experiment_id=0") as one, listening_to(server, "experiment_id=0"):
            one.next()
            status, _, told = server.raw("GET", EVENTS + "experiment_id=0")
            assert (status, json.loads(told)["error_code"]) == (429, "REQUEST_LIMIT_EXCEEDED")
        deadline = time.monotonic() + 5
        while server.raw("GET", EVENTS + "run_id=none")[0] == 429:
            assert time.monotonic() < deadline
        count = len(looks)
        time.sleep(0.3)
        assert len(looks) <= count + 1
        with listening_to(server, "experiment_id=0") as again:
            assert again.next()[0] == "state"


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 400),
        ("run_id=a&experiment_id=0", 400),
        ("run_id=a", 404),
        ("run_id=../x", 400),
        ("experiment_id=9999", 404),
    ],
)
def test_what_is_not_there_cannot_be_listened_to(server, query, status):
    answered, _, told = server.raw("GET", EVENTS + query)
    assert (answered, bool(json.loads(told)["message"])) == (status, True)


def test_every_worker_tells_what_any_of_them_wrote_and_listeners_keep_none_from_ending(tmp_path):
    with started(tmp_path, "--workers", "2") as (process, port):
        create = "/api/2.0/mlflow/runs/create"
        with (
            listening_to(port, "experiment_id=0") as one,
            listening_to(port, "experiment_id=0") as two,
            listening_to(port, "experiment_id=0") as three,
        ):
            everyone = (one, two, three)
            assert {each.next()[0] for each in everyone} == {"state"}
            made = json.loads(ask(port, "POST", create, {"experiment_id": "0"}))
            for each in everyone:
                assert list(each.next()[1]) == [made["run"]["info"]["run_id"]]
            assert one.last == two.last == three.last
            began = time.monotonic()
            process.send_signal(signal.SIGTERM)
            assert process.wait(15) in (0, -signal.SIGTERM)
            assert time.monotonic() - began < 6
