"""The line of the user's that made a call: its text, and the names of what was passed."""

from __future__ import annotations

import linecache
import sys
from functools import lru_cache
from itertools import islice
from types import CodeType, FrameType
from typing import Any

from steno.plugins import plugins

UNKNOWN = "unknown_dataset"
_NOT_THE_USER = frozenset({"steno", "joblib", "contextlib", "threading"})
_MOST_NAMES = 5000
_MOST_TEXTS = 4096
_texts: dict[tuple[CodeType, int], str] = {}


def user_frame() -> FrameType | None:
    """Return the innermost frame that is neither ours nor a framework's."""
    offers = plugins().flavors.offers.values()
    not_the_user = _not_the_user(tuple((offer.address.partition(".")[0], *offer.owns) for offer in offers))
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and str(frame.f_globals.get("__name__", "")).partition(".")[0] in not_the_user:
        frame = frame.f_back
    return frame


@lru_cache(1)
def _not_the_user(flavors: tuple[tuple[str, ...], ...]) -> frozenset[str]:
    """An estimator may be of any framework that has a flavor: its own frames lie between us and the user."""
    return _NOT_THE_USER.union(*flavors)


def name_of(value: Any, frame: FrameType | None) -> str | None:
    """Return the variable that holds an object where a call was made; None if none does."""
    if frame is None or value is None:
        return None
    scopes = [frame.f_locals] if frame.f_locals is frame.f_globals else [frame.f_locals, frame.f_globals]
    for scope in scopes:
        # A notebook keeps its outputs under names that begin with an underscore.
        for name, held in islice(list(scope.items()), _MOST_NAMES):
            if held is value and not name.startswith("_"):
                return name
    return None


def expression(frame: FrameType | None) -> str:
    """Return the text of the call that runs in a frame, empty where its source is not at hand."""
    if frame is None:
        return ""
    site = (frame.f_code, frame.f_lasti)
    text = _texts.get(site)
    if text is None:
        if len(_texts) >= _MOST_TEXTS:
            _texts.clear()
        text = _texts[site] = _source(*site)
    return text


def _source(code: CodeType, instruction: int) -> str:
    place = next(islice(code.co_positions(), instruction // 2, None), None)
    if place is None or None in place:
        return ""
    first, last, start, stop = (number or 0 for number in place)
    lines = [linecache.getline(code.co_filename, number).rstrip("\n").encode() for number in range(first, last + 1)]
    if not lines:
        return ""
    lines[-1] = lines[-1][:stop]
    lines[0] = lines[0][start:]
    return " ".join(line.decode(errors="replace").strip() for line in lines)
