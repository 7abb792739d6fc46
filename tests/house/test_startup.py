"""What `import steno` may cost: few modules, none of them heavy, nothing done to the process."""

from __future__ import annotations

import json
import subprocess
import sys

HEAVY = {
    "alembic",
    "click",
    "importlib.metadata",
    "joblib",
    "matplotlib",
    "numpy",
    "pandas",
    "rich",
    "scipy",
    "sklearn",
    "skops",
    "sqlalchemy",
    "sqlite3",
    "subprocess",
    "yaml",
}
MODULES = 120

IMPORT = """
import json, sys
before = set(sys.modules)
import steno
print(json.dumps(sorted(set(sys.modules) - before)))
"""

TRACKING = """
import json, sys
import steno

steno.set_experiment("light")
with steno.start_run():
    steno.log_param("rate", 0.1)
    steno.log_metric("loss", 1.0)
steno.autolog()
print(json.dumps(sorted(sys.modules)))
"""

PROCESS = """
import json, logging, os, random, signal, sys, threading, warnings

def state():
    return {
        "random": hash(random.getstate()),
        "filters": len(warnings.filters),
        "handlers": len(logging.getLogger().handlers) + len(logging.getLogger("steno").handlers),
        "excepthook": sys.excepthook is sys.__excepthook__,
        "threads": threading.active_count(),
        "folder": os.getcwd(),
        "files": os.listdir(),
        "environment": dict(os.environ),
        "sigterm": str(signal.getsignal(signal.SIGTERM)),
        "sigint": str(signal.getsignal(signal.SIGINT)),
    }

before = state()
import steno
after = state()
print(json.dumps({key: [str(before[key]), str(after[key])] for key in before if before[key] != after[key]}))
"""


def run(script: str) -> str:
    """Run a script in an interpreter of its own."""
    command = [sys.executable, "-c", script]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


def test_importing_steno_imports_nothing_heavy() -> None:
    imported = json.loads(run(IMPORT))
    assert "steno" in imported
    assert HEAVY & set(imported) == set()
    assert len(imported) < MODULES, imported


def test_a_run_with_autologging_on_imports_no_framework_and_no_numpy() -> None:
    used = set(json.loads(run(TRACKING)))
    assert "steno.tracking.run" in used
    assert {"numpy", "pandas", "scipy", "sklearn", "skops", "joblib", "matplotlib", "rich"} & used == set()


def test_importing_steno_changes_nothing_in_the_process() -> None:
    assert json.loads(run(PROCESS)) == {}
