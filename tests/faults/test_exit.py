"""The end of a process waits for its store at most the deadline, says what stays behind, and the next delivers it."""

from __future__ import annotations

import time

import pytest
import steno
from steno.records import RunStatus
from steno.tracking import recovery

TRAIN = """
import {extra} steno, awkward
from pathlib import Path
from steno.plugins import plugins
plugins().register(awkward, "awkward")
way = Path(os.environ["STENO_TRACKING_URI"].removeprefix("awkward:///")).with_name("way")
with steno.start_run() as run:
    for step in range(1000):
        steno.log_metric("loss", float(step), step)
    {middle}
print(run.run_id)
"""
PLAIN = TRAIN.format(extra="os,", middle="")


def _timed(script, awkward, text: str = PLAIN, **environ: str) -> tuple[str, str, float]:
    child = script.start(text, STENO_TRACKING_URI=awkward.uri, STENO_EXIT_TIMEOUT_S="1.5", **environ)
    began = time.monotonic()
    out, err = child.communicate(timeout=60)
    assert child.returncode == 0, err
    return out.strip(), err, time.monotonic() - began


@pytest.mark.parametrize("way", ["hang", "unavailable", "raise", "refuse"])
def test_exit_waits_no_longer_than_the_deadline_and_says_what_stays_behind(awkward, script, way):
    awkward.be(way)
    run_id, err, took_s = _timed(script, awkward)
    assert took_s < 10
    assert "nothing is lost" in err
    assert str(awkward.journal) in err
    awkward.be("")
    assert recovery.sync().delivered == 1
    run = steno.get_run(run_id)
    assert (run.info.status, run.data.summaries["loss"].count) == (RunStatus.FINISHED, 1000)


def test_an_address_that_nothing_serves_stops_no_training_and_delays_no_exit(awkward, script):
    text = "import steno\nwith steno.start_run() as run: steno.log_metric('loss', 1.0)\nprint(run.run_id)"
    child = script.start(text, STENO_TRACKING_URI="nosuch://host", STENO_EXIT_TIMEOUT_S="60")
    out, err = child.communicate(timeout=30)
    assert child.returncode == 0, err
    assert "nothing installed serves 'nosuch://host'" in err
    assert recovery.sync(awkward.plain).delivered == 1
    assert steno.Client(awkward.plain).get_run(out.strip()).data.metrics == {"loss": 1.0}


def test_a_store_that_hangs_from_the_middle_on_changes_nothing(awkward, script):
    text = TRAIN.format(extra="os,", middle="steno.flush(); way.write_text('hang'); steno.log_metric('late', 1.0)")
    run_id, err, took_s = _timed(script, awkward, text)
    assert took_s < 10
    assert "nothing is lost" in err
    awkward.be("")
    recovery.sync()
    run = steno.get_run(run_id)
    assert (run.info.status, run.data.metrics["late"]) == (RunStatus.FINISHED, 1.0)


def test_a_store_that_comes_back_in_time_lets_the_process_end_in_silence(awkward, script):
    awkward.be("unavailable")
    child = script.start(PLAIN, STENO_TRACKING_URI=awkward.uri, STENO_EXIT_TIMEOUT_S="30")
    time.sleep(1.5)
    awkward.be("")
    out, err = child.communicate(timeout=20)
    assert (child.returncode, err) == (0, "")
    assert steno.get_run(out.strip()).data.summaries["loss"].count == 1000


def test_a_store_that_fails_is_not_asked_without_pause_at_exit(awkward, script):
    text = PLAIN + (
        "count = 0\n"
        "call = awkward.AwkwardStore._call\n"
        "def counted(*args, **kwargs):\n"
        "  global count\n"
        "  count += 1\n"
        "  return call(*args, **kwargs)\n"
        "awkward.AwkwardStore._call = counted\n"
        "import atexit; atexit._run_exitfuncs()\n"
        "print(count)\n"
    )
    awkward.be("unavailable")
    out, _, _ = _timed(script, awkward, text)
    assert int(out.split()[1]) < 30


def test_what_stayed_behind_is_delivered_by_the_next_process(awkward, script):
    awkward.be("unavailable")
    run_id, _, _ = _timed(script, awkward)
    awkward.be("")
    _, err, _ = _timed(script, awkward)
    assert err == ""
    store = steno.Client(awkward.plain).store
    assert store.get_run(run_id).info.status == RunStatus.FINISHED


def test_a_store_that_fails_is_met_in_silence_by_the_recovery_of_the_next_process(awkward, script, tmp_path):
    awkward.be("unavailable")
    run_id, _, _ = _timed(
        script,
        awkward,
        TRAIN.format(extra="os,", middle="sys = os.sys; os._exit(0)").replace(
            "with steno.start_run() as run:", "with steno.start_run() as run:\n    print(run.run_id, flush=True)"
        ),
    )
    awkward.be("raise")
    plain = PLAIN.replace("plugins().register(awkward", "steno.set_tracking_uri('other')\nplugins().register(awkward")
    _, err, _ = _timed(script, awkward, plain + "import time; time.sleep(1)\n")
    assert "Traceback" not in err
    awkward.be("")
    assert recovery.sync().closed == [run_id]
