"""`steno server-users`: who may ask a server that was started with `--auth basic`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TextIO

import click
from steno.cli.group import CommandGroup
from steno.cli.session import Session, embedded_path
from steno.errors import InvalidValue

from steno_server import users

_FILE = click.option("--users-file", metavar="FILE", default="", help="Where they are. Default: beside the store.")


@click.group(cls=CommandGroup)
def server_users() -> None:
    """Say who may ask a server with users.

    It was started with --auth basic; a running one follows at once.
    """


@server_users.command()
@click.argument("name")
@click.option("--role", type=click.Choice(users.ROLES), default="write", show_default=True, help="What the user may.")
@click.option("--password-from", type=click.File(), help="A file whose first line is the password; - for the input.")
@_FILE
@click.pass_obj
def add(session: Session, name: str, role: str, password_from: TextIO | None, users_file: str) -> None:
    """Add a user, or give one a new password and role."""
    path = beside_store(users_file, session.uri, users.FILE)
    if password_from is not None:
        password = password_from.readline().rstrip("\r\n")
    else:
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    users.add(path, name, password, role)
    session.say(f"{name} may {role}, by {path}", {"name": name, "role": role, "file": str(path)})


@server_users.command()
@click.argument("name")
@_FILE
@click.pass_obj
def remove(session: Session, name: str, users_file: str) -> None:
    """Remove a user."""
    path = beside_store(users_file, session.uri, users.FILE)
    users.remove(path, name)
    session.say(f"{name} is removed from {path}", {"name": name, "file": str(path)})


@server_users.command("list")
@_FILE
@click.pass_obj
def list_users(session: Session, users_file: str) -> None:
    """List users and their roles."""
    known = users.read(beside_store(users_file, session.uri, users.FILE))
    shown: list[dict[str, Any]] = [{"name": name, "role": user.role} for name, user in known.items()]
    session.say("\n".join(f"{each['name']}  {each['role']}" for each in shown) or "no users", shown)


def beside_store(given: str, store_uri: str, name: str) -> Path:
    """Return the file that was given, or the one of a name beside the store. Raises: InvalidValue."""
    if given:
        return Path(given).absolute()
    store = embedded_path(store_uri)
    if store is None:
        raise InvalidValue(f"{store_uri!r} is no file to keep {name} beside: name one, see --help")
    return store.parent / name
