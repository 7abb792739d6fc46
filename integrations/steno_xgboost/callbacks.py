"""Puts a callback of ours before the user's, whatever they were given as."""

from __future__ import annotations

from itertools import chain
from typing import Any

from steno.contracts.integration import Call


def put_first(call: Call, callback: Any) -> None:
    """Add a callback to the arguments of `train` or `cv`, which take them by keyword only.

    XGBoost makes a list of what it is given. A chain is read at that moment, so that it meets an error there too
    (one callback instead of a list, say), and an iterator of the user's is consumed once, by XGBoost.
    """
    given = call.kwargs.get("callbacks")
    call.kwargs["callbacks"] = [callback] if given is None else chain([callback], given)
