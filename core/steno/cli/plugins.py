"""`steno plugins`: what is installed, what it offers, and what is wrong with it."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

import click

from steno.cli.group import SharedOptions
from steno.cli.session import Session

if TYPE_CHECKING:
    from rich.text import Text

    from steno.plugins.manager import PluginState
    from steno.plugins.registers import Offer


@click.command(cls=SharedOptions)
@click.pass_obj
def plugins(session: Session) -> None:
    """List plugins and what they offer."""
    from steno.cli.tables import table
    from steno.plugins import plugins as installed

    states = installed().states()
    headers = ["plugin", "distribution", "state", "offers"]
    rows = [(one.name, f"{one.distribution} {one.version}", _state(one), _offers(one)) for one in states]
    session.emit(states, lambda: table(headers, rows))


def _state(plugin: PluginState) -> Text:
    from steno.cli.tables import cell

    return cell(plugin.state, {"active": "green", "blocked": "yellow"}.get(plugin.state, "red"))


def _offers(plugin: PluginState) -> str:
    return "; ".join(map(_offer, plugin.offers))


def _offer(offer: Offer) -> str:
    if not (offer.when or offer.owns):
        return f"store {offer.name}:"
    what = f"autologging {offer.name}" if offer.when else f"models {offer.name}"
    wakes = offer.when.split(" | ") if offer.when else offer.owns[:1]
    if all(find_spec(name) is None for name in wakes):
        return f"{what} (needs {offer.requires})"
    return f"{what} (waiting for `import {wakes[0]}`)" if offer.when else what
