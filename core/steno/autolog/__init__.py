"""Watching other people's training: which calls, with what advice, and never at the training's expense.

`switch` is what users call, `site` and `advice` what happens at each watched call, `patching` how it gets there.
"""

from __future__ import annotations

import sys
from types import ModuleType

from steno.autolog.containment import contain, contained
from steno.autolog.nesting import Carried
from steno.autolog.quiet import quiet
from steno.autolog.session import Session
from steno.autolog.switch import autolog, autolog_one, watch

__all__ = ["Carried", "Session", "autolog", "autolog_one", "contain", "contained", "quiet", "watch"]


class _CallableModule(ModuleType):
    """`steno.autolog()` works whether that name leads to the function or, after an import, to this package."""

    __call__ = staticmethod(autolog)


sys.modules[__name__].__class__ = _CallableModule
