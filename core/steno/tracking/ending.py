"""How runs end when nobody ends them: at exit, by an uncaught error, by `sys.exit(1)`, by SIGTERM."""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import sys
import threading
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from steno.records import RunStatus, Tags
from steno.tracking import limits
from steno.tracking.segment import pid_started

if TYPE_CHECKING:
    from steno.tracking.run import ActiveRun

ERROR_LENGTH = 7900
_open: dict[str, ActiveRun] = {}
# Re-entrant: a signal handler of the user's may end a run while this thread begins another.
_lock = threading.RLock()
_registered = False
_last_error_before: Any = None


def status_of(error: BaseException | None) -> RunStatus:
    """The status of a run that an exception (or none) passed through."""
    if error is None or isinstance(error, GeneratorExit):
        return RunStatus.FINISHED
    if isinstance(error, SystemExit):
        if _is_ctrl_c(error):
            return RunStatus.KILLED
        return RunStatus.FAILED if error.code else RunStatus.FINISHED
    # Read from sys.modules, since a cancelled task means that asyncio is there.
    cancelled = getattr(sys.modules.get("asyncio.exceptions"), "CancelledError", None)
    killed = (KeyboardInterrupt, cancelled) if cancelled else (KeyboardInterrupt,)
    return RunStatus.KILLED if isinstance(error, killed) else RunStatus.FAILED


def describe(error: BaseException) -> dict[str, str]:
    """Tags that keep why a run ended: the kind of error, and the end of its traceback."""
    import traceback

    if isinstance(error, SystemExit):
        return {Tags.END_REASON: "SIGINT"} if _is_ctrl_c(error) else _exit_reason(error.code)
    text = limits.encodable("".join(traceback.format_exception(error)))
    reason = "SIGINT" if isinstance(error, KeyboardInterrupt) else type(error).__name__
    return {Tags.END_REASON: reason, Tags.ERROR: text[-ERROR_LENGTH:]}


def _is_ctrl_c(error: SystemExit) -> bool:
    """Whether someone made an exit of a Ctrl-C, as frameworks do that tidy up first."""
    return bool(error.code) and isinstance(error.__context__, KeyboardInterrupt)


def _exit_reason(code: Any) -> dict[str, str]:
    return {Tags.END_REASON: limits.encodable(f"exit code {code!r}")[:ERROR_LENGTH]}


def watch(run: ActiveRun) -> None:
    """See to it that a run is ended truly however the process ends."""
    global _registered, _last_error_before
    if not _registered:
        _registered = True
        _last_error_before = getattr(sys, "last_value", None)
    # The last registered comes first: frameworks that were imported meanwhile are still there when models are written.
    atexit.unregister(_at_exit)
    atexit.register(_at_exit)
    with _lock:
        if not _open:
            _death_note.open(run)
        _open[run.run_id] = run


def is_watching() -> bool:
    """Whether the end of this process is seen to."""
    return _registered


def forget(run: ActiveRun) -> None:
    """The run has ended."""
    with _lock:
        if _open.pop(run.run_id, None) is not None and not _open:
            _death_note.close()
    if not any(other.watches_exit for other in _open.values()):
        _exit_code.unwatch()


def open_run_of(run_id: str) -> ActiveRun | None:
    """Return the run of that id if it is open in this process."""
    return _open.get(run_id)


def watch_exit(run: ActiveRun) -> None:
    """While this run is open, notice the code given to `sys.exit`: it reaches no exit handler."""
    run.watches_exit = True
    _exit_code.watch()


def _at_exit() -> None:
    from steno.tracking.writer import drain_at_exit

    status, error = _verdict()
    for run in reversed(list(_open.values())):
        if _exit_code.code and status is RunStatus.FAILED and error is None:
            run.set_tags(_exit_reason(_exit_code.code))
        run.end(status, error)
    drain_at_exit()
    if isinstance(error, KeyboardInterrupt):
        _die_of_sigint()


def _die_of_sigint() -> None:
    """Let the process die of SIGINT, as it would have.

    CPython does so if the text it executed last ended in KeyboardInterrupt (`run_eval_code_obj` notes it); the
    modules imported for the last delivery have executed more since.
    """
    with contextlib.suppress(KeyboardInterrupt):
        exec("raise KeyboardInterrupt")


def _verdict() -> tuple[RunStatus, BaseException | None]:
    error = getattr(sys, "last_value", None)
    interactive = hasattr(sys, "ps1") or sys.flags.interactive or "IPython" in sys.modules
    # Python stores the uncaught error before exit handlers run. In a session it is an earlier input's.
    if error is not None and error is not _last_error_before and not interactive:
        return status_of(error), error
    return (RunStatus.FAILED if _exit_code.code else RunStatus.FINISHED), None


class _ExitCode:
    """Stands in for `sys.exit` while a run is open that no `with` closes.

    Attributes:
        code: What was given to the `sys.exit` that is ending the process.
    """

    def __init__(self) -> None:
        self.code: Any = None
        self.calls = 0
        self._original: Any = None

    def watch(self) -> None:
        if self._original is not None or threading.current_thread() is not threading.main_thread():
            return
        original = self._original = sys.exit

        def exit(status: Any = None, /) -> None:  # noqa: A001 - it is sys.exit for the time being
            try:
                original(status)
            except SystemExit as error:
                self.code, self.calls = status, self.calls + 1
                error.__dict__["steno_exit"] = _Fate(self, self.calls)
                raise

        exit.__doc__, exit.__module__ = original.__doc__, "sys"
        self._ours = sys.exit = exit  # type: ignore[assignment]

    def unwatch(self) -> None:
        if self._original is not None and sys.exit is self._ours:
            sys.exit = self._original
        self._original = None


class _Fate:
    """Rides on a SystemExit, to see it go: while Python code still runs, somebody caught it."""

    def __init__(self, exit_code: _ExitCode, call: int) -> None:
        self._exit_code, self._call = exit_code, call

    def __del__(self, _getframe: Any = sys._getframe) -> None:
        if _getframe().f_back is not None and self._exit_code.calls == self._call:
            self._exit_code.code = None


class _DeathNote:
    """A file into which SIGTERM's handler writes where the process stood, before the signal does its work.

    faulthandler's handler is C: it acts at once, also inside a long native call, and then chains to what was
    there, so the process dies of the signal with the same exit status as without it.
    """

    def __init__(self) -> None:
        self._file: IO[bytes] | None = None
        self._path: Path | None = None
        self._pid = 0

    def open(self, run: ActiveRun) -> None:
        if self._file is not None or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
            return  # a handler of the user's decides what SIGTERM means
        import faulthandler

        folder = run.folder
        if folder is None or not hasattr(faulthandler, "register"):
            return
        self._pid = os.getpid()
        self._path = path_of(folder, self._pid, pid_started(self._pid))
        try:
            self._file = self._path.open("wb", buffering=0)
        except OSError:
            return
        faulthandler.register(signal.SIGTERM, file=self._file, all_threads=False, chain=True)

    def close(self) -> None:
        if self._file is None or self._path is None:
            return
        import faulthandler

        if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:  # else the user's handler replaced ours
            faulthandler.unregister(signal.SIGTERM)
            self._file.close()
        if self._pid == os.getpid():
            self._path.unlink(missing_ok=True)
        self._file = None

    def after_fork(self) -> None:
        if self._file is not None:
            self.close()


def path_of(folder: Path, pid: int, started: int) -> Path:
    """Where a process leaves its note."""
    return folder / f"{pid}-{started}.death"


def reset_after_fork() -> None:
    """In a forked child: no run is ours to end."""
    global _lock
    _lock = threading.RLock()
    _open.clear()
    _death_note.after_fork()
    _exit_code.unwatch()


_death_note = _DeathNote()
_exit_code = _ExitCode()
