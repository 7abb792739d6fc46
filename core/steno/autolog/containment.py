"""An error of ours stops here: said once, told to observers, and never met by the user's code."""

from __future__ import annotations

import functools
import logging
import time
from collections.abc import Callable
from types import FunctionType
from typing import TYPE_CHECKING, Any, TypeVar, overload

from steno.autolog.nesting import current

if TYPE_CHECKING:
    from steno.autolog.call import WatchedCall

logger = logging.getLogger("steno.autolog")
T = TypeVar("T", bound=Callable[..., Any])

_said: set[tuple[str, str]] = set()


def contain(
    integration: str, target: str, error: BaseException, call: WatchedCall | None = None, *, said: bool = False
) -> None:
    """Take note of an error that goes no further.

    It is logged once per target unless it is `said` elsewhere, and `steno_integration_failed` is called each time.
    Inside a watched call it is kept there, and `STENO_STRICT` raises it once the user's call is over.
    """
    call = call or current()
    if call is not None and call.failure is None:
        call.failure = error
    try:
        if not said:
            _say(integration, target, error, silent=call is not None and call.options.silent)
        from steno.plugins import plugins

        plugins().hooks.integration_failed(integration, target, error)
    except Exception:  # advice: a logging handler or a plugin of the user's may raise too
        return


def _say(integration: str, target: str, error: BaseException, *, silent: bool) -> None:
    if (integration, target) in _said:
        return
    _said.add((integration, target))
    logger.log(
        logging.DEBUG if silent else logging.WARNING,
        "recording of %s (%s) failed and was contained; training goes on: %s: %s (said once)",
        target,
        integration,
        type(error).__name__,
        error,
        exc_info=error if logger.isEnabledFor(logging.DEBUG) else None,
    )


@overload
def contained(function: T, /) -> T: ...
@overload
def contained(*, default: Any = None) -> Callable[[T], T]: ...
def contained(function: Any = None, /, *, default: Any = None) -> Any:
    """Guard a callback that is handed to a framework: what it raises is contained, and `default` returned.

    A class is guarded method by method, over its own methods only: frameworks look at which hooks a class
    overrides. Its time counts towards the overhead of the call it runs in. Ctrl-C passes.

    Args:
        function: A function, or a class.
        default: What a failed callback returns, where the framework reads it.
    """
    if function is None:
        return functools.partial(_guarded, default=default)
    return _guarded(function, default=default)


def _guarded(function: Any, *, default: Any) -> Any:
    if isinstance(function, type):
        for name, method in list(vars(function).items()):
            if isinstance(method, FunctionType) and (not name.startswith("__") or name == "__call__"):
                setattr(function, name, _guarded(method, default=default))
        return function

    @functools.wraps(function)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        began = time.perf_counter()
        try:
            return function(*args, **kwargs)
        except Exception as error:  # advice
            name = function.__qualname__
            call = current()
            integration = call.row.watcher.name if call is not None else function.__module__.partition(".")[0]
            contain(integration, name, error, call)
            return default
        finally:
            call = current()
            if call is not None:
                call.overhead += time.perf_counter() - began

    return guarded
