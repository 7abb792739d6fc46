"""Says whether a model loads and predicts in a clean process, or why not."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypedDict

from msgspec import Struct

from steno import settings
from steno.models.outputs import TOLERANCE, difference
from steno.models.outputs import kept as kept_predictions
from steno.models.verification_child import TASK, TOLD

TIMEOUT_S = 300.0
LOWEST = 19  # of what a process may be nice
_PYTHONS = ("PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "VIRTUAL_ENV")
_NO_DEVICES = {"CUDA_VISIBLE_DEVICES": "-1", "HIP_VISIBLE_DEVICES": "-1"}
_SHOWN_CHARACTERS = 400
_KEPT_PIECES = 4
_LOOK_S = 0.1
_DOING = {"start": "started", "load": "loaded", "example": "given its example", "predict": "asked for predictions"}


class Trial(Struct, frozen=True):
    """How a model is to be tried.

    Attributes:
        python: The interpreter.
        trusted: Types that loading may construct beyond its framework's own.
        timeout_s: How long it may take.
        niceness: By how much the process gives way to others; 19 at most.
        devices: Whether it sees the accelerators of the machine.
    """

    python: Path = Path(sys.executable)
    trusted: tuple[str, ...] = ()
    timeout_s: float = TIMEOUT_S
    niceness: int = 0
    devices: bool = True


class Outcome(Struct, frozen=True):
    """What came of it.

    Attributes:
        ok: Whether the model does there all that could be tried.
        what: What it did, or why it did not, in a sentence without its subject.
        python, platform, steno: Of the process; "" where it never began.
        predictions: Of the input example, as plain data, where they are the same each time; else None.
        compared: Whether there were predictions from when it was saved to compare them with.
        types: Those that are not trusted, where that is why.
    """

    ok: bool
    what: str
    python: str = ""
    platform: str = ""
    steno: str = ""
    predictions: Any = None
    compared: bool = False
    types: tuple[str, ...] = ()


class _About(TypedDict):
    python: str
    platform: str
    steno: str


def try_model(folder: Path, trial: Trial, abandoned: threading.Event | None = None) -> Outcome:
    """Load a model in a clean process, and compare what it predicts for its example with what it did when saved.

    The process has the interpreter's packages, no folder of the user's on its path, and ends with this one.

    Args:
        folder: The model's.
        trial: How.
        abandoned: Set by another thread, ends it early.
    """
    with TemporaryDirectory(prefix="steno-verification-") as place:
        task = {
            "folder": str(folder.absolute()),
            "trusted": list(trial.trusted),
            "niceness": trial.niceness,
            "parent": os.getpid(),
        }
        (Path(place) / TASK).write_text(json.dumps(task), "utf-8")
        status, words = _run(Path(place), trial, abandoned)
        told = _told(Path(place) / TOLD)
    about = _About(python=told.get("python", ""), platform=told.get("platform", ""), steno=told.get("steno", ""))
    if told.get("step") != "done":
        return Outcome(False, _why_not(told, status, words, trial), **about, types=tuple(told.get("types") or ()))
    if told["predicts"] is not True:
        lacks = "it has no input example to predict on" if told["predicts"] is None else "it has no predict to try"
        return Outcome(True, f"loads; {lacks}", **about)
    if told["predictions"] is None:
        return Outcome(True, "loads and predicts what is no plain data, so that nothing can be compared", **about)
    if difference(told["again"], told["predictions"]):
        return Outcome(True, "loads and predicts, otherwise each time, so that nothing can be compared", **about)
    return _compared(told["predictions"], kept_predictions(folder), about)


def _compared(predictions: Any, expected: Any, about: _About) -> Outcome:
    if expected is None:
        return Outcome(True, "loads and predicts", **about, predictions=predictions)
    if differs := difference(predictions, expected, TOLERANCE):
        return Outcome(False, f"loads, and predicts otherwise than when it was saved: {differs}", **about)
    return Outcome(True, "loads and predicts as when it was saved", **about, predictions=predictions, compared=True)


def _run(place: Path, trial: Trial, abandoned: threading.Event | None) -> tuple[int | str, str]:
    """Run the process to its end; return its status, or why it was ended, and the last that it wrote."""
    command = [str(trial.python), "-I", "-m", "steno.models.verification_child", str(place)]
    child = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=place,
        env=settings.for_child({} if trial.devices else _NO_DEVICES, _PYTHONS),
        start_new_session=True,
    )
    assert child.stdout is not None
    tail: deque[bytes] = deque(maxlen=_KEPT_PIECES)
    try:
        status = _wait(child, child.stdout.fileno(), tail, time.monotonic() + trial.timeout_s, abandoned)
    finally:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        child.stdout.close()
    return status, b"".join(tail).decode("utf-8", "replace")


def _wait(
    child: subprocess.Popen[bytes],
    output: int,
    tail: deque[bytes],
    deadline: float,
    abandoned: threading.Event | None,
) -> int | str:
    """Wait for a process, reading what it writes; of a model that prints without end the last is kept.

    One thread does both: none can be started any more while the interpreter shuts down, which is when this may run.
    """
    os.set_blocking(output, False)
    while True:
        if select.select([output], [], [], _LOOK_S)[0]:
            with suppress(BlockingIOError):
                piece = os.read(output, 1 << 16)
                tail.append(piece)
                if not piece:  # it has closed it; select would not wait any more
                    with suppress(subprocess.TimeoutExpired):
                        return child.wait(_LOOK_S)
        status = child.poll()
        if status is not None:
            return status
        if time.monotonic() > deadline:
            return "late"
        if abandoned is not None and abandoned.is_set():
            return "abandoned"


def _told(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _why_not(told: dict[str, Any], status: int | str, words: str, trial: Trial) -> str:
    doing = _DOING.get(told.get("step", ""), "started")
    if status == "late":
        return f"was not done within {trial.timeout_s:g} s: it was being {doing}"
    if status == "abandoned":
        return "could not be tried before the process that logged it ended"
    if told.get("error"):
        return _of_error(told, doing)
    if isinstance(status, int) and status < 0:
        memory = ", perhaps for want of memory" if -status == signal.SIGKILL else ""
        return f"killed its process as it was {doing}: {signal.Signals(-status).name}{memory}"
    if not told:
        return f"could not be tried with {trial.python}, which does not run steno: {_last_line(words) or status}"
    return f"ended its process as it was {doing}, with status {status}"


def _of_error(told: dict[str, Any], doing: str) -> str:
    kind, message = told["error"], " ".join(str(told["message"]).split())
    if told.get("types"):
        return (
            f"holds types that are not trusted: {', '.join(told['types'])}; nothing was executed. If you trust where "
            "it comes from, verify it with these types trusted"
        )
    if module := told.get("module"):
        return (
            f"cannot be {doing}: there is no module {module!r} in the environment. Log it with its package among "
            "extra_pip_requirements, or with the module's file among code_paths"
        )
    return f"cannot be {doing}: {kind}: {message}"[:_SHOWN_CHARACTERS]


def _last_line(words: str) -> str:
    lines = [line.strip() for line in words.splitlines() if line.strip()]
    return lines[-1][:_SHOWN_CHARACTERS] if lines else ""


__all__ = ["LOWEST", "TIMEOUT_S", "Outcome", "Trial", "try_model"]
