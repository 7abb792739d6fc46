"""The clean process in which a model is tried: loaded, and asked twice for its example's predictions.

How far it came is written down at each step, so that what ends the process on the way is known by its place.
"""

from __future__ import annotations

import ctypes
import json
import os
import platform
import signal
import sys
from pathlib import Path
from types import TracebackType
from typing import Any

TASK, TOLD = "task.json", "told.json"
_PR_SET_PDEATHSIG = 1


def main(place: Path) -> None:
    """Do what the task in a folder says, and leave there what came of it."""
    task = json.loads((place / TASK).read_text("utf-8"))
    _end_with(task["parent"])
    os.nice(task["niceness"])
    told: dict[str, Any] = {"python": platform.python_version(), "platform": platform.platform(), "step": "start"}

    def tell(**news: Any) -> None:
        told.update(news)
        part = place / f"{TOLD}.part"
        part.write_text(json.dumps(told), "utf-8")
        os.replace(part, place / TOLD)

    def on_error(kind: type[BaseException], error: BaseException, _: TracebackType | None) -> None:
        cause: BaseException | None = error
        while cause is not None and not isinstance(cause, ModuleNotFoundError):
            cause = cause.__cause__
        name = cause.name if isinstance(cause, ModuleNotFoundError) else None
        types = list(getattr(error, "types", ())) if kind.__name__ == "UntrustedTypes" else []
        tell(error=kind.__name__, message=str(getattr(error, "message", error)), module=name, types=types)

    # A hook rather than a clause that catches all: what a framework does with errors on the way stays as it is.
    sys.excepthook = on_error
    tell()
    _try(Path(task["folder"]), task["trusted"], tell)


def _try(folder: Path, trusted: list[str], tell: Any) -> None:
    import steno
    from steno.errors import InvalidValue
    from steno.models.example import Example, as_json
    from steno.models.load import open_model
    from steno.models.manifest import Manifest
    from steno.models.pyfunc import PyFuncModel

    tell(step="load", steno=steno.__version__)
    loaded = open_model(folder, trusted=trusted)
    tell(step="example")
    manifest = Manifest.read(folder)
    if manifest.pyfunc is None or manifest.saved_input_example_info is None:
        tell(step="done", predicts=None if manifest.pyfunc is not None else False)
        return
    model = PyFuncModel(loaded, folder)
    example = Example.read(folder, manifest.saved_input_example_info, manifest.get_input_schema())
    tell(step="predict")
    found, again = (model.predict(example.inputs, example.params) for _ in range(2))
    try:
        tell(step="done", predicts=True, predictions=as_json(found), again=as_json(again))
    except (InvalidValue, TypeError):  # objects of the model's own
        tell(step="done", predicts=True, predictions=None)


def _end_with(parent: int) -> None:
    """Have the system end this process with the one that started it, also where that is killed."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it ended before the system was told
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
