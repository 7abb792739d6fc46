"""`steno plugins`: what is installed, what it offers, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click
from msgspec.structs import asdict

from steno.cli.group import LazyGroup, SharedOptions
from steno.cli.session import Session
from steno.cli.standing import install, standing_of

if TYPE_CHECKING:
    from rich.text import Text

    from steno.plugins.manager import PluginState
    from steno.plugins.registers import Offer

COMMANDS = {"new": "steno.cli.new_plugin:new"}
_REGISTERING = "steno_register_"


class Plugins(SharedOptions, LazyGroup):
    """The group; its commands are ours alone."""

    def _ask_plugins(self) -> None:
        return


@click.group(cls=Plugins, addresses=COMMANDS, invoke_without_command=True)
@click.pass_context
def plugins(ctx: click.Context) -> None:
    """List plugins and what they offer."""
    if ctx.invoked_subcommand is None:
        _list(ctx)


def _list(ctx: click.Context) -> None:
    from steno.cli.tables import table
    from steno.plugins import plugins as installed

    root = ctx.find_root().command
    if isinstance(root, click.Group):
        root.list_commands(ctx)  # plugins add their commands to it, or fail to
    states = installed().states()
    commands = installed().hooks.commands
    told = [{**asdict(one), "commands": commands.get(one.name, ()), **_standing(one)} for one in states]
    headers = ["plugin", "distribution", "state", "offers", "remedy"]
    rows = [
        (
            one["name"],
            f"{one['distribution']} {one['version']}".strip(),
            _state(one["standing"]),
            "; ".join(_offers(state, one["commands"])),
            one["remedy"],
        )
        for one, state in zip(told, states, strict=True)
    ]
    ctx.ensure_object(Session).emit(told, lambda: table(headers, rows))


def _standing(plugin: PluginState) -> dict[str, Any]:
    """A plugin is what is worst of its offers; of stores nothing is known before they are used."""
    if plugin.state != "active":
        return {"standing": plugin.state}
    waiting = "active"
    for offer in plugin.offers:
        standing = standing_of(offer)
        if standing.startswith("waiting"):
            waiting = standing if waiting == "active" else waiting
        elif standing != "active":
            return {"standing": standing, "remedy": install(offer)}
    return {"standing": waiting}


def _state(standing: str) -> Text:
    from steno.cli.tables import cell

    bad = standing.startswith("failed") or "cannot be read" in standing
    good = standing == "active" or standing.startswith("waiting")
    return cell(standing, "red" if bad else "green" if good else "yellow")


def _offers(plugin: PluginState, commands: tuple[str, ...]) -> Iterator[str]:
    yield from map(_offer, plugin.offers)
    yield from (f"command {name}" for name in commands)
    # What it registers is listed as what it is.
    hooks = [hook for hook in plugin.hooks if not hook.startswith(_REGISTERING)]
    if hooks:
        yield f"hooks {', '.join(hook.removeprefix('steno_') for hook in hooks)}"


def _offer(offer: Offer) -> str:
    also = f" (also {', '.join(offer.also)})" if offer.also else ""
    return f"{offer.kind} {offer.name}{':' if offer.kind.endswith(('store', 'registry')) else ''}{also}"
