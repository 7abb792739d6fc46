"""The protocol of one watched call: core makes the user's call, exactly once, with advice round it."""

from __future__ import annotations

from collections.abc import Callable, Generator
from time import perf_counter
from typing import TYPE_CHECKING, Any

from steno import settings
from steno.autolog import runs
from steno.autolog.call import WatchedCall
from steno.autolog.containment import contain
from steno.autolog.nesting import current, inside, leave_frame_out
from steno.errors import InvalidValue, PluginError

if TYPE_CHECKING:
    from steno.autolog.site import Row

Started = Generator[None, Any, None]


def watch(
    row: Row,
    function: Callable[..., Any],
    positional: tuple[Any, ...],
    kwargs: dict[str, Any],
    instance: Any,
    args: tuple[Any, ...],
) -> Any:
    """Call `function(*positional, **kwargs)` for the user, with the row's advice looking on.

    `positional` holds the instance where the function takes one, `args` does not; `kwargs` is nobody else's.

    Raises:
        BaseException: What the function raises, untouched; under STENO_STRICT else what was contained.
    """
    before = inside.get()
    enclosing = before if before is not None and before.open else None
    arguments = kwargs.copy()
    call = WatchedCall(row, function, instance, args, arguments, enclosing)
    inside.set(call)
    finished, error = False, None
    try:
        advice = _start(call)
        if advice is None:
            arguments = kwargs  # the copy may be half changed
        called = _pause(call)
        try:
            result = function(*positional, **arguments)
        except BaseException as raised:
            _resume(call, called)
            leave_frame_out(raised)
            error = raised
            if advice is not None:
                _raised(call, advice, raised)
            raise
        _resume(call, called)
        finished = True
        if advice is not None:
            _returned(call, advice, result)
    finally:
        inside.set(before)
        if call.used_run is not None:
            runs.close(call, error, finished=finished)
        if enclosing is not None:
            enclosing.overhead += call.overhead_now()
        failure = call.leave()
        error = None  # or this frame and the error would keep each other
    if failure is not None:
        _insist(failure)
    return result


def tap(row: Row, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Let a row's tap see a call that is about to be made."""
    assert row.tap is not None
    began = perf_counter()
    try:
        row.tap(args, kwargs)
    except Exception as error:  # a tap is advice
        contain(row.watcher.name, row.target, error)
    call = current()
    if call is not None:
        call.overhead += perf_counter() - began


def _pause(call: WatchedCall) -> float:
    now = perf_counter()
    call.overhead += now - call.resumed
    call.resumed = 0.0
    return now


def _resume(call: WatchedCall, called: float) -> None:
    call.resumed = perf_counter()
    call.seconds = call.resumed - called


def _insist(failure: BaseException) -> None:
    try:
        strict = settings.load().strict
    except InvalidValue:  # a setting that cannot be read is no reason to stop a training
        return
    if strict:
        raise failure


# BaseException is caught from the generator only. Ctrl-C is the user's: it passes even from inside advice.


def _start(call: WatchedCall) -> Started | None:
    """Run advice up to its yield; None when it failed."""
    try:
        advice = call.row.advice(call)  # type: ignore[misc]  # a row has a tap or advice, and this one no tap
        next(advice)
        return advice
    except StopIteration:
        _fail(call, PluginError(f"advice of {_where(call)} returned without a yield; it must yield exactly once"))
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # advice
        _fail(call, error)
    return None


def _returned(call: WatchedCall, advice: Started, result: Any) -> None:
    """Hand the result to advice; it should end now."""
    try:
        advice.send(result)
    except StopIteration:
        return
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # advice
        _fail(call, error)
        return
    _yielded_twice(call, advice)


def _raised(call: WatchedCall, advice: Started, error: BaseException) -> None:
    """Throw the user's error into advice, and give it back as it was."""
    traceback, cause, context, hidden = (
        error.__traceback__,
        error.__cause__,
        error.__context__,
        error.__suppress_context__,
    )
    try:
        advice.throw(error)
    except StopIteration:
        return
    except BaseException as other:  # advice
        if isinstance(other, KeyboardInterrupt) and other is not error:
            raise
        if not _is_users(other, error):
            _fail(call, other)
        return
    finally:
        # Past the class of the error, which may refuse to be assigned to.
        BaseException.__setattr__(error, "__cause__", cause)
        BaseException.__setattr__(error, "__context__", context)
        BaseException.__setattr__(error, "__suppress_context__", hidden)
        error.with_traceback(traceback)
    _yielded_twice(call, advice)


def _is_users(other: BaseException, error: BaseException) -> bool:
    # A generator cannot let StopIteration out: Python turns it into a RuntimeError caused by it (PEP 479).
    return other is error or (isinstance(error, StopIteration) and other.__cause__ is error)


def _yielded_twice(call: WatchedCall, advice: Started) -> None:
    _fail(call, PluginError(f"advice of {_where(call)} yielded twice; it must yield exactly once"))
    try:
        advice.close()
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # advice
        _fail(call, error)


def _fail(call: WatchedCall, error: BaseException) -> None:
    contain(call.row.watcher.name, call.target, error, call)


def _where(call: WatchedCall) -> str:
    return f"{call.row.watcher.name}: {call.target}"
