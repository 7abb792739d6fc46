"""How an offer stands, told from metadata alone: nothing of a framework is imported."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from steno.plugins.needs import needs, unmet

if TYPE_CHECKING:
    from steno.plugins.registers import Offer


def standing_of(offer: Offer) -> str:
    """Return "waiting for `import x`", "active", or what is needed first."""
    problem = unmet(offer.requires)
    there = [name for name in _wakes(offer) if _is_there(name)]
    elsewhere = there and all(need.distribution and not need.found for need in needs(offer.requires))
    if problem and not elsewhere:
        return problem
    if not offer.when:
        return "active"
    # A module that is there under another distribution's name is judged once it is imported.
    return f"waiting for `import {there[0]}`" if there else f"needs {offer.requires or _wakes(offer)[0]}"


def install(offer: Offer) -> str:
    """Return how to come by what an offer needs."""
    wanted = [each.strip() for each in offer.requires.split("|") if each.strip()]
    problem = unmet(offer.requires)
    if "cannot be read" in problem:
        return f"update or uninstall plugin {offer.plugin!r}"
    return f"pip install '{wanted[0]}'" if wanted else ""


def _wakes(offer: Offer) -> list[str]:
    return [name.strip() for name in offer.when.split("|")] if offer.when else list(offer.owns)


def _is_there(module: str) -> bool:
    try:
        return find_spec(module.partition(".")[0]) is not None
    except ValueError:  # a module in `sys.modules` that somebody made by hand
        return True
