"""A run leaves the process as it found it: nothing global is touched, nothing printed, nothing slowed at import."""

from __future__ import annotations

import pytest
import steno
from steno.records import RunStatus

SNAPSHOT = """
import atexit, builtins, faulthandler, locale, logging, os, random, signal, sys, threading, warnings
import numpy as np
import time, json

def looks():
    return {
        "environ": dict(os.environ),
        "exit": sys.exit,
        "hooks": (sys.excepthook, sys.unraisablehook, threading.excepthook, sys.displayhook, sys.gettrace()),
        "streams": (sys.stdout, sys.stderr, sys.stdin),
        "signals": {s: signal.getsignal(s) for s in signal.valid_signals()},
        "faulthandler": faulthandler.is_enabled(),
        "cwd": os.getcwd(),
        "filters": list(warnings.filters),
        "logging": (logging.root.level, list(logging.root.handlers), logging.root.manager.disable),
        "handlers": {n: l.handlers for n, l in logging.root.manager.loggerDict.items() if getattr(l, "handlers", 0)},
        "random": random.getstate(),
        "numpy": tuple(map(str, np.random.get_state())),
        "locale": locale.setlocale(locale.LC_ALL),
        "recursion": sys.getrecursionlimit(),
        "switch": sys.getswitchinterval(),
        "path": list(sys.path),
        "meta_path": [f for f in sys.meta_path if type(f).__module__ != "steno.namespaces"],
        "builtins": dict(vars(builtins)),
    }

before = looks()
import steno
"""

USE = """
with steno.start_run(run_name="outer") as run:
    steno.log_params({"a": 1, "b": None})
    steno.set_tags({"t": 1})
    for step in range(100):
        steno.log_metric("loss", 0.5, step)
    steno.log_metrics({"x": 1, "y": float("nan")}, step=3)
    steno.log_text("hello", "hello.txt")
    with steno.start_run(nested=True):
        steno.log_metric("inner", 1.0)
steno.get_run(run.run_id)
steno.search_runs(output_format="list")
"""

COMPARE = """
after = looks()
for name in before:
    assert after[name] == before[name], (name, before[name], after[name])
import threading
names = sorted(t.name for t in threading.enumerate() if t.name != "MainThread")
assert all(t.daemon for t in threading.enumerate() if t.name != "MainThread"), names
"""


def test_a_run_leaves_nothing_global_changed(tracking, script):
    child = script.start(SNAPSHOT + USE + COMPARE, STENO_TRACKING_URI=tracking)
    assert child.communicate(timeout=60) == ("", "")
    assert child.returncode == 0


def test_importing_alone_leaves_nothing_global_changed(tracking, script):
    child = script.start(SNAPSHOT + COMPARE, STENO_TRACKING_URI=tracking)
    assert child.communicate(timeout=60) == ("", "")


def test_set_functions_change_the_environment_only_as_they_say(tracking, script):
    text = (
        SNAPSHOT
        + "steno.set_tracking_uri('other')\n"
        + "steno.set_experiment('mine')\n"
        + "changed = {k for k in {*os.environ, *before['environ']} if os.environ.get(k) != before['environ'].get(k)}\n"
        + "assert changed == {'STENO_TRACKING_URI', 'STENO_EXPERIMENT_ID'}, changed\n"
        + "with steno.start_run(): pass\n"
        + "steno.set_tracking_uri('')\n"
        + "before.pop('environ')\n"
        + COMPARE
    )
    script.run(text, STENO_TRACKING_URI=tracking)


def test_a_users_warning_filters_and_error_handling_stay_their_own(tracking, script):
    """With every warning an error, a run goes on and raises none of its own."""
    child = script.start(
        "import warnings\nwarnings.simplefilter('error')\nimport steno\n" + USE, STENO_TRACKING_URI=tracking
    )
    assert child.communicate(timeout=60) == ("", "")
    assert child.returncode == 0


def test_seeds_draw_the_same_numbers_with_and_without_a_run(tracking, script):
    draw = (
        "import random, numpy as np\nrandom.seed(7); np.random.seed(7)\n{}\nprint(random.random(), np.random.rand(3))"
    )
    plain = script.run(draw.format(""))
    recorded = script.run(draw.format("import steno\n" + USE), STENO_TRACKING_URI=tracking)
    assert recorded == plain


def test_a_clock_that_jumps_back_makes_no_negative_duration(tracking, script):
    text = (
        "import time, steno\n"
        "now = time.time_ns\n"
        "with steno.start_run():\n"
        "  steno.log_metric('a', 1.0)\n"
        "  import steno.tracking.run as r\n"
        "  r._now_ns = lambda: now() - 3600 * 10**9\n"
        "  steno.log_metric('a', 2.0, step=1)\n"
    )
    script.run(text, STENO_TRACKING_URI=tracking)
    (run,) = steno.search_runs(output_format="list")
    assert run.info.status == RunStatus.FINISHED
    assert run.info.end_time >= run.info.start_time
    assert run.data.metrics == {"a": 2.0}


@pytest.mark.parametrize("state", ["removed", "of an odd name"])
def test_an_odd_working_directory_stops_no_run(tracking, script, state):
    prepare = {
        "removed": "os.mkdir('gone'); os.chdir('gone'); os.rmdir('../gone')",
        "of an odd name": "os.mkdir(b'\\xff'); os.chdir(b'\\xff'); sys.argv[0] = '\\udcfe'",
    }[state]
    script.run(f"import os, sys\n{prepare}\nimport steno\n" + USE, STENO_TRACKING_URI=tracking)
    assert {run.info.status for run in steno.search_runs(output_format="list")} == {RunStatus.FINISHED}
