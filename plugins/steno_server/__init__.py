"""The tracking server: MLflow's REST wire over any store, so that a team's clients record in one place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steno.hookspecs import hookimpl

if TYPE_CHECKING:
    import click


@hookimpl
def steno_register_commands(cli: click.Group) -> None:
    from steno_server.command import server
    from steno_server.user_commands import server_users

    cli.add_command(server)
    cli.add_command(server_users)
