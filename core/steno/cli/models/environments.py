"""Options of commands that need a model's environment, and the going on of a command in that environment."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from steno.cli.ending import ended_in_order
from steno.cli.progress import progress

if TYPE_CHECKING:
    from steno.environments import Built

LOCAL = "local"
_MANAGERS = (LOCAL, "virtualenv", "uv")

TRUSTED = click.option(
    "--trusted", metavar="TYPE", multiple=True, help="A type that loading may construct; may be repeated."
)


def env_manager_option(*names: str, default: str) -> Callable[[Any], Any]:
    """Return the option that says what a model runs with."""
    return click.option(
        *names,
        "env_manager",
        type=click.Choice(_MANAGERS),
        default=default,
        show_default=True,
        help="local: what is installed here; else an environment made as the model says, by venv and pip or by uv.",
    )


def built(folder: Path, manager: str, *, extras: Sequence[str], override: Sequence[str] = (), shown: str = "") -> Built:
    """Return the environment that a model's folder names, with a line of progress where it is made.

    Args:
        folder: The model's.
        manager: "virtualenv" or "uv".
        extras: Of steno, for what is to go on there.
        override: Requirement lines in place of the model's of the same packages.
        shown: What the user calls the model.

    Raises:
        EnvironmentFailure: It cannot be made.
        InvalidValue: It cannot be kept.
    """
    from steno.environments import prepare, readers, specification_of
    from steno.models import Manifest

    specification = specification_of(folder)
    if override:
        specification = specification.overridden(override)
    with ended_in_order(), progress(f"making the environment of {shown or folder}"):
        return prepare(specification, manager, extras=extras, beside=readers(Manifest.read(folder)))


def go_on(python: Path, words: Sequence[str], added: Mapping[str, str]) -> NoReturn:
    """Become a `steno` again: signals and the exit status are from then on its own.

    Args:
        python: The interpreter of an environment in which steno is installed; this one, to begin anew with `added`.
        words: What follows `steno`.
        added: Variables of its environment besides this one's.
    """
    from steno import settings
    from steno.environments import NOT_HANDED_ON

    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    environment = settings.for_child(added, () if str(python) == sys.executable else NOT_HANDED_ON)
    # -P: the folder that one happens to be in is not looked for modules, as it is not by an installed command.
    command = [str(python), "-P", "-c", "from steno.cli import main; main()", *words]
    os.execve(python, command, environment)


def words_of(command: click.Command, values: Mapping[str, Any]) -> list[str]:
    """Return options as one types them, from the values that a command was called with."""
    found: list[str] = []
    for option in command.params:
        value = values.get(option.name or "")
        if value is None or value is False or not isinstance(option, click.Option):
            continue
        name = option.opts[0]
        if option.is_flag:
            found.append(name)
        else:
            found += [f"{name}={each}" for each in (value if option.multiple else [value])]
    return found
