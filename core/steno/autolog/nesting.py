"""Which watched call is running here: carried along by context, into threads too."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from steno.autolog.swap import CodeSwap

if TYPE_CHECKING:
    from steno.autolog.call import WatchedCall

inside: ContextVar[WatchedCall | None] = ContextVar("steno_watched_call", default=None)
"""The innermost watched call of this thread or task; one that has ended counts as none (`current`)."""


def current() -> WatchedCall | None:
    """Return the innermost watched call that is still running, None outside of any."""
    call = inside.get()
    return call if call is not None and call.open else None


class _Thread(threading.local):
    """What is known of a thread; its name is looked at once."""

    def __init__(self) -> None:
        self.is_ours = threading.current_thread().name.startswith("steno-")


thread = _Thread()


def in_thread_of_ours() -> bool:
    """Whether this thread does steno's own work: what it calls of a framework is no training."""
    return thread.is_ours


class Carried:
    """A function that runs inside the watched call it was made in, in whatever thread it is called.

    For frameworks that hand functions to workers. Pickled, it becomes the bare function: another process has
    neither the call nor, perhaps, steno.
    """

    __slots__ = ("call", "function")

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.call = inside.get()

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        before = inside.get()
        inside.set(self.call)
        try:
            return self.function(*args, **kwargs)
        except BaseException as error:
            leave_frame_out(error)
            raise
        finally:
            inside.set(before)

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any]]:
        return copy.copy, (self.function,)


def leave_frame_out(error: BaseException) -> None:
    """Take the frame that caught `error` out of its traceback: the user sees the lines they would see without us.

    By `with_traceback` rather than assignment, because an exception class may refuse to be assigned to
    (a frozen dataclass does).
    """
    traceback = error.__traceback__
    if traceback is not None:
        error.with_traceback(traceback.tb_next)


class _ThreadStart:
    """Stands in for `threading.Thread.start`: a thread started inside a watched call belongs to it."""

    original: Callable[..., Any]

    def __call__(self, /, *args: Any, **kwargs: Any) -> None:
        try:
            call = current()
            if call is not None and args and not args[0].name.startswith("steno-"):
                vars(args[0])["run"] = _CarriedRun(args[0], call)
            self.original(*args, **kwargs)
        except BaseException as error:
            leave_frame_out(error)
            raise

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any]]:
        return copy.copy, (self.original,)


class _CarriedRun:
    __slots__ = ("call", "own", "thread")

    def __init__(self, thread: threading.Thread, call: WatchedCall) -> None:
        self.thread, self.call = thread, call
        self.own = vars(thread).get("run")

    def __call__(self) -> None:
        # The thread gets its own `run` back first: nothing of ours stays on the user's object.
        if self.own is None:
            del vars(self.thread)["run"]
        else:
            vars(self.thread)["run"] = self.own
        inside.set(self.call)
        try:
            self.thread.run()
        except BaseException as error:
            leave_frame_out(error)
            raise


def carry_into_threads() -> CodeSwap:
    """Make threads that are started inside a watched call belong to it, until the swap is reverted."""
    stand_in = _ThreadStart()
    swap = CodeSwap(threading.Thread.start, stand_in)
    stand_in.original = swap.original
    swap.apply()
    return swap
