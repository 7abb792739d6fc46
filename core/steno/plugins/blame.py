"""Whose an exception is: what a plugin raised stays with it, what came to the user's thread from outside does not."""

from __future__ import annotations

import signal
from types import CodeType
from typing import Any


def is_its_own(error: BaseException) -> bool:
    """Whether a plugin raised what came out of it, and not Ctrl-C or the handler of a signal that arrived meanwhile.

    `sys.exit()` in a plugin must not end the user's process; in the handler of a SIGTERM it must.
    """
    if isinstance(error, Exception):
        return True
    if isinstance(error, KeyboardInterrupt):
        return False
    handlers = {_code_of(signal.getsignal(number)) for number in signal.valid_signals()} - {None}
    step = error.__traceback__
    while step is not None:
        if step.tb_frame.f_code in handlers:
            return False
        step = step.tb_next
    return True


def _code_of(handler: Any) -> CodeType | None:
    call = vars(type(handler)).get("__call__")
    code = getattr(handler, "__code__", None) or getattr(call, "__code__", None)
    return code if isinstance(code, CodeType) else None


def described(error: BaseException) -> str:
    """An error in one line of bounded length, whatever it does when it is asked for its text."""
    try:
        text = " ".join(str(error).split())
    except Exception:  # plugin loading: a stranger's exception may raise
        text = "it cannot be shown"
    return f"{type(error).__name__}: {text}"[:500]
