"""The status of a run is true however its process ends, and the process ends as it would without steno."""

from __future__ import annotations

import os
import signal
import subprocess
import time

import pytest
import steno
import steno.queries
from steno.records import Run, RunStatus, Tags
from steno.tracking import places

# Each script runs twice, with START replaced: by a run, and by a context that does nothing.
START = {True: "import steno\nstart = steno.start_run\n", False: "import contextlib\nstart = contextlib.nullcontext\n"}

WAYS = {
    "clean end": ("start()", 0, "FINISHED", None),
    "clean end of a with": ("with start(): pass", 0, "FINISHED", None),
    "exception in a with": ("with start():\n  1 / 0", 1, "FAILED", "ZeroDivisionError"),
    "exception without a with": ("start()\n1 / 0", 1, "FAILED", "ZeroDivisionError"),
    "exception with odd text": ("start()\nraise ValueError('\\udcff' * 900)", 1, "FAILED", "ValueError"),
    "exception that cannot be shown": (
        "class Odd(Exception):\n  def __str__(self): raise RuntimeError\nstart()\nraise Odd",
        1,
        "FAILED",
        "Odd",
    ),
    "exit 0": ("import sys\nstart()\nsys.exit(0)", 0, "FINISHED", None),
    "exit 0 in a with": ("import sys\nwith start():\n  sys.exit(0)", 0, "FINISHED", None),
    "exit 1": ("import sys\nstart()\nsys.exit(1)", 1, "FAILED", "exit code 1"),
    "exit 1 in a with": ("import sys\nwith start():\n  sys.exit(1)", 1, "FAILED", "exit code 1"),
    "exit with a message": ("import sys\nstart()\nsys.exit('no data')", 1, "FAILED", "exit code 'no data'"),
    "exit with a long message": ("import sys\nstart()\nsys.exit('no ' * 9000)", 1, "FAILED", "exit code 'no no"),
    "exit 1 that was caught": (
        "import sys\nstart()\ntry:\n  sys.exit(1)\nexcept SystemExit:\n  pass",
        0,
        "FINISHED",
        None,
    ),
    "exit 1 in a thread": (
        "import sys, threading\nstart()\nt = threading.Thread(target=sys.exit, args=(1,))\nt.start()\nt.join()",
        0,
        "FINISHED",
        None,
    ),
    "exit after an exception was caught": (
        "import sys\nstart()\ntry:\n  1 / 0\nexcept ZeroDivisionError:\n  sys.exit(3)",
        3,
        "FAILED",
        "exit code 3",
    ),
    "KeyboardInterrupt in a with": ("with start():\n  raise KeyboardInterrupt", -2, "KILLED", "SIGINT"),
    "KeyboardInterrupt without a with": ("start()\nraise KeyboardInterrupt", -2, "KILLED", "SIGINT"),
    "os._exit": ("import os\nstart()\nos._exit(0)", 0, "KILLED", "lost"),
    "SIGKILL to itself": ("import os\nstart()\nos.kill(os.getpid(), 9)", -9, "KILLED", "lost"),
    "SIGSEGV": ("import os\nstart()\nos.kill(os.getpid(), 11)", -11, "KILLED", "lost"),
    "abort": ("import os\nstart()\nos.abort()", -6, "KILLED", "lost"),
    "exception in a thread": (
        "import threading\nwith start():\n  t = threading.Thread(target=lambda: 1 / 0)\n  t.start()\n  t.join()",
        0,
        "FINISHED",
        None,
    ),
    "forked child that dies": (
        "import os\nwith start():\n  if not os.fork(): os._exit(7)\n  assert os.wait()[1] >> 8 == 7",
        0,
        "FINISHED",
        None,
    ),
    "forked child that raises": (
        "import os, sys\nstart()\npid = os.fork()\nif not pid: raise ValueError\n"
        "assert os.waitpid(pid, 0)[1] >> 8 == 1",
        0,
        "FINISHED",
        None,
    ),
    "cancelled task": (
        "import asyncio\nasync def train():\n  with start():\n    await asyncio.sleep(60)\n"
        "async def main():\n  t = asyncio.create_task(train())\n  await asyncio.sleep(0.05)\n  t.cancel()\n"
        "  await asyncio.wait([t])\nasyncio.run(main())",
        0,
        "KILLED",
        "CancelledError",
    ),
    "exception with a run in a run": (
        "with start():\n  if 'steno' in globals(): inner = steno.start_run(nested=True)\n  1 / 0",
        1,
        "FAILED",
        "ZeroDivisionError",
    ),
}


def _runs() -> list[Run]:
    return steno.search_runs(output_format="list", order_by=["attributes.start_time", "attributes.run_id"])


@pytest.mark.parametrize("way", WAYS)
def test_the_status_is_true_and_the_process_ends_as_it_would(tracking, script, way):
    text, code, status, reason = WAYS[way]
    children = [script.start(START[with_steno] + text, STENO_TRACKING_URI=tracking) for with_steno in (True, False)]
    (out, err), (plain_out, plain_err) = (child.communicate(timeout=60) for child in children)
    assert [child.returncode for child in children] == [code, code], err
    assert (out, _without_addresses(err)) == (plain_out, _without_addresses(plain_err))
    runs = _runs()
    assert {run.info.status for run in runs} == {status}
    assert runs[0].info.end_time >= runs[0].info.start_time
    for run in runs:
        said = run.data.tags.get(Tags.END_REASON)
        assert said is None if reason is None else said.startswith(reason)
        by_error = reason is not None and not reason.startswith(("exit code", "lost"))
        assert ("Traceback" in run.data.tags.get(Tags.ERROR, "")) == by_error


def _without_addresses(text: str) -> list[str]:
    """A process's words, without the lines that differ anyway: where in the script something stood."""
    return [line for line in text.splitlines() if 'File "<string>"' not in line and "Exception in thread" not in line]


def test_a_traceback_is_kept_to_its_end(tracking, script):
    script.run(
        START[True] + "start()\ndef deep():\n  raise ValueError('x' * 9000 + 'the end')\ndeep()",
        expect=1,
        STENO_TRACKING_URI=tracking,
    )
    (run,) = _runs()
    assert run.data.tags[Tags.ERROR].rstrip().endswith("the end")


@pytest.mark.parametrize(
    ("busy", "signum", "reason"),
    [
        ("time.sleep(60)", signal.SIGTERM, "SIGTERM"),
        ("sum(range(10**12))", signal.SIGTERM, "SIGTERM"),  # one long native call
        ("time.sleep(60)", signal.SIGINT, "SIGINT"),
        ("sum(range(10**12))", signal.SIGKILL, "lost"),
    ],
)
def test_a_signal_ends_the_process_at_once_with_its_own_status(tracking, script, busy, signum, reason):
    text = "import steno, time\ndef train_long():\n  {}\nrun = steno.start_run()\nsteno.log_metric('loss', 1.0)\n"
    text = text.format(busy) + "print(run.run_id, flush=True)\ntrain_long()"
    child = script.start(text, STENO_TRACKING_URI=tracking)
    run_id = child.stdout.readline().strip()
    time.sleep(0.1)
    began = time.monotonic()
    child.send_signal(signum)
    out, _ = child.communicate(timeout=20)
    assert (child.returncode, out) == (-signum, "")
    assert time.monotonic() - began < 10
    run = steno.get_run(run_id)
    assert (run.info.status, run.data.tags[Tags.END_REASON]) == (RunStatus.KILLED, reason)
    assert run.data.metrics == {"loss": 1.0}
    if signum != signal.SIGKILL:
        assert "train_long" in run.data.tags[Tags.ERROR]


def test_a_sigterm_handler_of_the_users_stays_in_charge(tracking, script):
    text = (
        "import os, signal, sys, steno\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(5))\n"
        "steno.start_run()\n"
        "os.kill(os.getpid(), signal.SIGTERM)\n"
    )
    script.run(text, expect=5, STENO_TRACKING_URI=tracking)
    (run,) = _runs()
    assert (run.info.status, run.data.tags[Tags.END_REASON]) == (RunStatus.FAILED, "exit code 5")


def test_a_sigterm_handler_set_during_a_run_is_obeyed_and_kept(tracking, script):
    text = (
        "import os, signal, steno\n"
        "seen = []\n"
        "with steno.start_run():\n"
        "  signal.signal(signal.SIGTERM, lambda *_: seen.append(1))\n"
        "  os.kill(os.getpid(), signal.SIGTERM)\n"
        "os.kill(os.getpid(), signal.SIGTERM)\n"
        "assert seen == [1, 1], seen\n"
    )
    script.run(text, STENO_TRACKING_URI=tracking)
    assert [run.info.status for run in _runs()] == [RunStatus.FINISHED]


def test_after_a_run_sigterm_means_what_it_meant_before(tracking, script):
    script.run(
        "import os, signal, steno\nwith steno.start_run(): pass\nos.kill(os.getpid(), signal.SIGTERM)",
        expect=-15,
        STENO_TRACKING_URI=tracking,
    )
    assert [run.info.status for run in _runs()] == [RunStatus.FINISHED]


def test_a_process_that_vanished_is_noticed_when_the_next_run_begins(tracking, script, wait):
    script.run("import os, steno\nsteno.start_run(run_name='gone')\nos._exit(0)", STENO_TRACKING_URI=tracking)
    with steno.start_run():
        store = places.run_store(tracking)
        everything = steno.queries.RunQuery(None)
        wait(lambda: [r.info.status for r in store.search_runs(everything) if r.info.run_name == "gone"] == ["KILLED"])


def test_a_run_that_was_resumed_and_ended_well_keeps_no_reason_of_an_earlier_end(tracking, script):
    script.run("import os, steno\nsteno.start_run(run_name='gone')\nos._exit(0)", STENO_TRACKING_URI=tracking)
    (run,) = _runs()
    assert run.data.tags[Tags.END_REASON] == "lost"
    with steno.start_run(run_id=run.info.run_id):
        pass
    found = steno.get_run(run.info.run_id)
    assert found.info.status == RunStatus.FINISHED
    assert Tags.END_REASON not in found.data.tags


def test_a_notebook_that_goes_on_after_an_error_is_not_failed(tracking, script):
    """An interactive interpreter: the error of an earlier input says nothing about the end."""
    text = "import steno\nrun = steno.start_run()\n1 / 0\nsteno.log_metric('a', 1)\n"
    done = subprocess.run(
        [os.sys.executable, "-i", "-q"],
        input=text,
        text=True,
        capture_output=True,
        timeout=30,
        check=False,
        cwd=script.folder,
        env={**os.environ, "STENO_TRACKING_URI": tracking},
    )
    assert "ZeroDivisionError" in done.stderr
    (run,) = _runs()
    assert (run.info.status, run.data.metrics) == (RunStatus.FINISHED, {"a": 1.0})
