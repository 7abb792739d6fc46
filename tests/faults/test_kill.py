"""SIGKILL at any moment loses no acknowledged point and doubles none, however often the replay is interrupted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import steno
from steno.errors import NotFound
from steno.records import RunStatus, Tags
from steno.tracking import places, recovery

HERE = Path(__file__).parent
PROCESSES, TRIALS, KILLS = 2, 150, 40


@pytest.mark.slow
def test_every_acknowledged_point_survives_a_kill_exactly_once(tracking, script):
    environ = {"STENO_TRACKING_URI": tracking, "STENO_FLUSH_INTERVAL_S": "0.003"}
    nursery = str(HERE / "nursery.py")
    nurseries = [script.start(nursery, "write", str(TRIALS), str(seed), **environ) for seed in range(PROCESSES)]
    trials = []
    for process in nurseries:
        out, err = process.communicate(timeout=90)
        assert process.returncode == 0, err
        trials += json.loads(out)
    assert len(trials) == PROCESSES * TRIALS

    replayers = [script.start(nursery, "replay", str(KILLS), str(seed), **environ) for seed in range(PROCESSES)]
    interrupted = [int(process.communicate(timeout=90)[0]) for process in replayers]
    assert sum(interrupted) > KILLS / 2
    recovery.sync()
    assert recovery.sync() == recovery.SyncReport()
    assert list(places.journal_folder(tracking).glob("*.journal")) == []
    assert list(places.journal_folder(tracking).glob("*.damaged")) == []

    acknowledged = [(run_id, points) for run_id, points in trials if points]
    assert len(acknowledged) > TRIALS, "most writers were killed before they wrote"
    client = steno.Client()
    for run_id, points in acknowledged:
        steps = [metric.step for metric in client.get_metric_history(run_id, "loss")]
        assert steps == list(range(len(steps))), run_id
        assert len(steps) in (points, points + 1), run_id  # one may have been taken and not been noted
        others = [metric.step for metric in client.get_metric_history(run_id, "other")]
        assert others == list(range(3, len(steps), 7)), run_id
        run = client.get_run(run_id)
        assert run.data.params == {"lr": "0.1"}
        assert (run.info.status, run.data.tags[Tags.END_REASON]) == (RunStatus.KILLED, "lost")
    for run_id, points in trials:
        if not points and run_id:
            try:
                client.get_run(run_id)
            except NotFound as error:
                pytest.fail(f"a run that began is unknown: {error}")


def test_two_that_replay_at_once_deliver_each_point_once(tracking, script):
    environ = {"STENO_TRACKING_URI": tracking, "STENO_FLUSH_INTERVAL_S": "60"}
    text = "import os, steno\nrun = steno.start_run()\n{}\nprint(run.run_id, flush=True)\nos._exit(0)"
    body = "for s in range(5000): run.log_metric('loss', float(s), s)"
    ids = [script.run(text.format(body), **environ).strip() for _ in range(3)]
    syncers = [script.start("from steno.tracking import recovery; recovery.sync()", **environ) for _ in range(4)]
    for process in syncers:
        _, err = process.communicate(timeout=60)
        assert (process.returncode, err) == (0, "")
    recovery.sync()
    for run_id in ids:
        steps = [m.step for m in steno.Client().get_metric_history(run_id, "loss")]
        assert steps == list(range(5000))
    assert list(places.journal_folder(tracking).glob("*.journal")) == []
