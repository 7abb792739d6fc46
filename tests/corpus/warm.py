"""A process that has a framework imported, and runs each script in a child that is forked from it.

`python warm.py torch` reads one request a line, `{"script": ..., "folders": {"plain": ..., "watched": ...}}`, and
answers each with the exit codes. A child's last act is that of any interpreter: it falls off the end of this file
or is thrown out of it, so that Python itself prints the traceback, calls what was registered for the exit, and
chooses the exit code.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import select
import signal
import sys
import types
from typing import IO, Any

LIMIT_S = 90
CHARTS = ("matplotlib.pyplot", "matplotlib.backends.backend_agg")
LEARN = "base compose datasets ensemble linear_model metrics model_selection pipeline preprocessing svm tree".split()
SKLEARN = ("pandas", "joblib", *(f"sklearn.{name}" for name in LEARN))
TORCH = ("numpy", "torch", "torch.utils.data", "torch.func", "torch.optim.swa_utils", "torch._dynamo")
IMPORTED = {
    "sklearn": (*SKLEARN, *CHARTS),
    "xgboost": ("xgboost", *SKLEARN),
    "lightgbm": ("lightgbm", *SKLEARN),
    "torch": TORCH,
    "lightning": (*TORCH, "lightning", "lightning.pytorch", "pytorch_lightning", "torch.utils.tensorboard"),
    "keras": ("tensorflow", "keras"),
}
STENO = ("steno", "steno.autolog", "steno_context", "steno_files.store", "steno_sql.store", "alembic.command")


def import_all(names: tuple[str, ...]) -> None:
    """Import what every script would otherwise import anew, and let no child's garbage collector walk through it."""
    for name in names:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()


def answer_requests(requests: IO[str], answers: IO[str], other: tuple[IO[str], IO[str]] | None) -> dict[str, Any]:
    """Fork a child for each request; return the request in the child, and nothing at the end of requests.

    With another process to ask, that one runs the same script watched, at the same time.
    """
    for line in requests:
        request = json.loads(line)
        if other is not None:
            print(line.strip(), file=other[0], flush=True)
        request["mode"] = "watched" if other is None else "plain"
        pid = os.fork()
        if pid == 0:
            return request
        codes = {request["mode"]: ended(pid)}
        if other is not None:
            codes |= json.loads(other[1].readline())
        print(json.dumps(codes), file=answers, flush=True)
    return {}


def ended(pid: int) -> int | str:
    """Wait for a child's end, and end what it left running."""
    watched = os.pidfd_open(pid)
    in_time = bool(select.select([watched], [], [], LIMIT_S)[0])
    os.close(watched)
    # Before the child is reaped, its process group cannot be anybody else's.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return code if in_time else f"not ended after {LIMIT_S} s"


def become(request: dict[str, Any]) -> tuple[types.CodeType, dict[str, Any]]:
    """Look like an interpreter that was started for the script; return its code and the names it begins with."""
    os.setsid()
    # Ignored in whatever a shell starts with `&`, and so would be an interrupt that a script sends to itself.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    folder, script = request["folders"][request["mode"]], request["script"]
    os.chdir(folder)
    for stream, name in (1, "stdout"), (2, "stderr"):
        file = os.open(f"{folder}.{name}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(file, stream)
        os.close(file)
    sys.argv = [script, *request.get("arguments", [])]
    sys.path[0] = os.path.dirname(script)
    module = types.ModuleType("__main__")
    vars(module).update(__file__=script, __builtins__=__builtins__, __spec__=None, __cached__=None)
    sys.modules["__main__"] = module
    if request["mode"] == "watched":
        import steno

        steno.autolog()
    with open(script, encoding="utf-8") as source:
        return compile(source.read(), script, "exec", dont_inherit=True), vars(module)


def warm_up(framework: str) -> dict[str, Any]:
    """Import the framework, make a second process that has steno imported too, and answer requests."""
    requests, answers = os.fdopen(os.dup(0)), os.fdopen(os.dup(1), "w")
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    import_all(IMPORTED[framework])
    (asked, ask), (answered, answer) = os.pipe(), os.pipe()
    if os.fork() == 0:
        os.close(ask)
        import_all(STENO)
        return answer_requests(os.fdopen(asked), os.fdopen(answer, "w"), None)
    os.close(asked)
    os.close(answer)
    return answer_requests(requests, answers, (os.fdopen(ask, "w"), os.fdopen(answered)))


if __name__ == "__main__":
    this, request = sys.modules["__main__"], warm_up(sys.argv[1])
    if request:
        code, names = become(request)
        exec(code, names)
