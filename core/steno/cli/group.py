"""Groups that load their commands on first need, report errors in a line, and share two options everywhere."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import click

from steno.cli.session import Session
from steno.errors import StenoError

NONE: Mapping[str, str] = {}


class LazyGroup(click.Group):
    """Knows its commands as "module:attribute"; plugins' commands are loaded only when one might be meant.

    Args:
        addresses: Where its own commands are, by name.
        hook: By which plugins offer theirs.
    """

    def __init__(
        self, *args: Any, addresses: Mapping[str, str] = NONE, hook: str = "register_commands", **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self._addresses = addresses
        self._hook = hook
        self._asked_plugins = False

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Our own in the order of the table, then those of plugins."""
        self._ask_plugins()
        return [*self._addresses, *sorted(set(self.commands) - set(self._addresses))]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import our own command, or ask the plugins."""
        address = self._addresses.get(cmd_name)
        if address is None:
            if cmd_name not in self.commands:
                self._ask_plugins()
            return self.commands.get(cmd_name)
        module, _, attribute = address.partition(":")
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command

    def add_command(self, cmd: click.Command, name: str | None = None) -> None:
        """Add a command. Raises: ValueError if the name is taken, so that a plugin replaces nothing unseen."""
        name = name or cmd.name
        if name in self._addresses or name in self.commands:
            raise ValueError(f"the command {name!r} is taken; choose another name")
        super().add_command(cmd, name)

    def _ask_plugins(self) -> None:
        if self._asked_plugins:
            return
        self._asked_plugins = True
        from steno.plugins import plugins

        getattr(plugins().hooks, self._hook)(self)


class ErrorReportingGroup(click.Group):
    """Turns what a user can mend into a message on stderr and exit status 1."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except StenoError as error:
            raise click.ClickException(error.message) from error
        except BrokenPipeError:
            raise  # click ends quietly when the reader of our output goes away
        except OSError as error:
            raise click.ClickException(str(error)) from error


class SharedOptions(click.Command):
    """A command that takes `--tracking-uri` and `--json`, wherever in the line the user puts them."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.append(
            click.Option(
                ["--tracking-uri", "-u"],
                metavar="URI",
                expose_value=False,
                callback=_set_tracking_uri,
                help="Where the runs are. Default: STENO_TRACKING_URI, MLFLOW_TRACKING_URI, steno.toml, "
                "then the store in the working directory.",
            )
        )
        self.params.append(
            click.Option(
                ["--json"],
                is_flag=True,
                expose_value=False,
                callback=_set_json,
                help="Print JSON, for programs.",
            )
        )


def _set_tracking_uri(ctx: click.Context, option: click.Parameter, value: str | None) -> None:
    if value is not None:
        ctx.ensure_object(Session).tracking_uri = value


def _set_json(ctx: click.Context, option: click.Parameter, value: bool) -> None:
    if value:
        ctx.ensure_object(Session).as_json = True


class CommandGroup(click.Group):
    """A group whose commands share the two options."""

    command_class = SharedOptions


class OpenGroup(LazyGroup, CommandGroup):
    """A group of our own that plugins add commands to, all with the two options."""
