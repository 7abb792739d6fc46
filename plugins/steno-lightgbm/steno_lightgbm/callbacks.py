"""Puts a callback of ours before the user's."""

from __future__ import annotations

from typing import Any

from steno.contracts.integration import Call

NOT_KEPT = "steno.rounds_not_kept"


def put_first(call: Call, callback: Any) -> None:
    """Add a callback to the arguments of `train` or `cv`, so that it is called before all others.

    LightGBM counts the order of callbacks without one back from the end of the list: that of the user's stays as it
    is. What LightGBM would refuse, it is left to refuse; callbacks that are given by position cannot be added to.
    """
    names = list(call.arguments)
    if "callbacks" not in names:
        return  # the call is about to fail
    given = call.arguments["callbacks"]
    if len(call.args) > names.index("callbacks"):
        call.run.set_tags({NOT_KEPT: "the callbacks are given by position: give them by name"})
    elif given is None:
        call.kwargs["callbacks"] = [callback]
    elif isinstance(given, list | tuple | set | frozenset):
        call.kwargs["callbacks"] = [callback, *given]
