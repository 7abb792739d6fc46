"""A model in a clean process: what it does there, or why it does not, and nothing left running."""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import steno
from steno.models import seal_model, untrusted_types
from steno.models.outputs import OUTPUT_EXAMPLE
from steno.models.verification import Outcome, Trial, try_model

Predict = Callable[[Any], Any]
ARRAY = np.array([[1.0], [2.0]])  # what a loaded model is given as it is


@pytest.fixture
def attempt(tmp_path: Path) -> Callable[..., Outcome]:
    """Save a function as a model, and try it."""

    def attempt(predict: Predict, *, trust: bool = True, change: Any = None, **options: Any) -> Outcome:
        folder = tmp_path / "model"
        given = {"input_example": ARRAY, **options.pop("saved", {})}
        steno.pyfunc.save_model(folder, python_model=predict, **given)
        if change is not None:
            change(folder)
        trusted = tuple(untrusted_types(folder)) if trust else ()
        return try_model(folder, Trial(trusted=trusted, **options))

    return attempt


def elsewhere(do: Callable[[], Any]) -> Predict:
    """A model that does something in the clean process, not while it is saved."""

    def predict(model_input):
        if sys.flags.isolated:
            do()
        return model_input.ravel()

    return predict


def test_a_sound_model_predicts_as_when_it_was_saved(attempt: Any) -> None:
    found = attempt(lambda model_input: model_input * 2)
    assert (found.ok, found.what, found.compared) == (True, "loads and predicts as when it was saved", True)
    assert found.predictions == [[2.0], [4.0]]
    assert (found.python, found.steno) == (sys.version.split()[0], steno.__version__)


def test_other_predictions_are_told_with_the_place(attempt: Any) -> None:
    def change(folder: Path) -> None:
        (folder / OUTPUT_EXAMPLE).write_text(json.dumps({"predictions": [1.0, 2.5]}))
        seal_model(folder)

    found = attempt(lambda model_input: model_input.ravel(), change=change)
    assert not found.ok
    assert found.what == "loads, and predicts otherwise than when it was saved: 2.0 in place of 2.5 at [1]"


def test_what_differs_each_time_or_is_no_data_is_not_compared(attempt: Any, tmp_path: Path) -> None:
    found = attempt(lambda model_input: [random.random() for _ in model_input])
    assert (found.ok, found.what) == (
        True,
        "loads and predicts, otherwise each time, so that nothing can be compared",
    )


def test_a_model_without_an_example_loads_and_says_so(attempt: Any) -> None:
    found = attempt(lambda model_input: model_input, saved={"input_example": None})
    assert (found.ok, found.what) == (True, "loads; it has no input example to predict on")


def test_types_that_are_not_trusted_are_named_and_nothing_runs(attempt: Any, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    found = attempt(elsewhere(lambda: mark.write_text("ran")), trust=False)
    assert not found.ok
    assert found.what.startswith("holds types that are not trusted: cloudpickle.")
    assert set(found.types) == set(untrusted_types(tmp_path / "model"))
    assert not mark.exists()


def test_a_module_that_is_only_here_is_named_with_the_remedy(
    attempt: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "only_here.py").write_text("def scored(model_input):\n    return model_input.ravel()\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    import only_here

    found = attempt(only_here.scored)
    assert not found.ok
    assert "there is no module 'only_here' in the environment" in found.what
    assert "code_paths" in found.what


@pytest.mark.parametrize(
    ("do", "why"),
    [
        (lambda: os.kill(os.getpid(), signal.SIGSEGV), "killed its process as it was asked for predictions: SIGSEGV"),
        (lambda: os._exit(3), "ended its process as it was asked for predictions, with status 3"),
        (lambda: sys.exit("enough"), "ended its process as it was asked for predictions, with status 1"),
        (lambda: [][1], "cannot be asked for predictions: IndexError: list index out of range"),
    ],
)
def test_what_ends_its_process_is_told_with_how_far_it_came(attempt: Any, do: Any, why: str) -> None:
    found = attempt(elsewhere(do))
    assert (found.ok, found.what) == (False, why)


def test_a_model_that_hangs_is_ended_with_what_it_started(attempt: Any, tmp_path: Path) -> None:
    began, pids = time.monotonic(), tmp_path / "pids"

    def hang() -> None:
        import subprocess

        child = subprocess.Popen(["sleep", "600"])
        pids.write_text(f"{os.getpid()} {child.pid}")
        time.sleep(600)

    found = attempt(elsewhere(hang), timeout_s=6.0)
    assert (found.ok, found.what) == (False, "was not done within 6 s: it was being asked for predictions")
    assert time.monotonic() - began < 60
    for pid in pids.read_text().split():
        stat = Path(f"/proc/{pid}/stat")
        assert not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z"


def test_a_model_that_prints_without_end_is_not_held_up_by_it(attempt: Any) -> None:
    found = attempt(elsewhere(lambda: [sys.stdout.write("x" * 1000 + "\n") for _ in range(20_000)]))
    assert found.what == "loads and predicts as when it was saved"


def test_a_damaged_model_is_told(attempt: Any) -> None:
    def change(folder: Path) -> None:
        (folder / "input_example.json").unlink()

    found = attempt(lambda model_input: model_input, trust=False, change=change)
    assert not found.ok
    assert "cannot be loaded: DamagedModel: " in found.what


def test_an_interpreter_without_steno_is_told(tmp_path: Path) -> None:
    import venv

    venv.create(tmp_path / "bare", symlinks=True)
    found = try_model(tmp_path, Trial(python=tmp_path / "bare" / "bin" / "python"))
    assert not found.ok
    assert "which does not run steno" in found.what


def test_one_that_is_given_up_ends_at_once(attempt: Any, tmp_path: Path) -> None:
    steno.pyfunc.save_model(tmp_path / "m", python_model=elsewhere(lambda: time.sleep(600)), input_example=ARRAY)
    given_up, began = threading.Event(), time.monotonic()
    threading.Timer(1.0, given_up.set).start()
    found = try_model(tmp_path / "m", Trial(trusted=tuple(untrusted_types(tmp_path / "m"))), given_up)
    assert not found.ok
    assert time.monotonic() - began < 30


def test_it_ends_with_the_process_that_started_it(tmp_path: Path, wait: Callable[..., None]) -> None:
    import subprocess

    pid = tmp_path / "pid"

    def hang() -> None:
        pid.write_text(str(os.getpid()))
        time.sleep(600)

    steno.pyfunc.save_model(tmp_path / "m", python_model=elsewhere(hang), input_example=ARRAY)
    script = (
        "import sys; from pathlib import Path; from steno.models import untrusted_types\n"
        "from steno.models.verification import Trial, try_model\n"
        "try_model(Path(sys.argv[1]), Trial(trusted=tuple(untrusted_types(sys.argv[1]))))"
    )
    starter = subprocess.Popen([sys.executable, "-c", script, str(tmp_path / "m")])
    try:
        wait(lambda: pid.exists() and pid.read_text(), 50)
    finally:
        starter.kill()
        starter.wait()
    stat = Path(f"/proc/{pid.read_text()}/stat")
    wait(lambda: not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z")
