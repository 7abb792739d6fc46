"""`steno models prepare-env`, and the going on of other commands in the environment that it makes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from steno.cli.group import SharedOptions
from steno.cli.models.environments import LOCAL, built, env_manager_option, go_on, words_of
from steno.cli.session import Session

EXTRAS = ("serving",)
"""What of steno has to be in an environment in which a model is served, or predicts on files."""
ENV_MANAGER = env_manager_option("--env-manager", default=LOCAL)
BROUGHT = click.option("--brought", is_flag=True, hidden=True, help="The model was brought here for this process.")


@click.command("prepare-env", cls=SharedOptions)
@click.option("--model-uri", "-m", metavar="URI", required=True, help="models:/name/1, models:/name@alias, runs:/…")
@env_manager_option("--env-manager", default="virtualenv")
@click.pass_obj
def prepare_env(session: Session, model_uri: str, env_manager: str) -> None:
    """Make the environment that a model is served in, and print the path of its interpreter.

    It is kept below STENO_ENV_ROOT, by default in the user's cache folder, for all models that name the same.
    """
    if env_manager == LOCAL:
        raise click.UsageError("what is installed here needs no preparing: choose virtualenv or uv")
    made = built(folder_of(session, model_uri), env_manager, extras=EXTRAS, shown=model_uri)
    told = {"python": str(made.python), "version": made.version, "environment": made.key, "fresh": made.fresh}
    session.say(str(made.python), told)


def go_on_elsewhere(
    context: click.Context,
    folder: Path,
    manager: str,
    values: Mapping[str, Any],
    *,
    override: Sequence[str] = (),
    added: Mapping[str, str] | None = None,
) -> None:
    """Go on with a command in the environment of a model; return at once if it runs where it should.

    Args:
        context: The command's.
        folder: The model's.
        manager: The environment manager.
        values: Of its options, for there.
        override: Requirement lines in place of the model's of the same packages.
        added: Variables to go on with.

    Raises:
        EnvironmentFailure: The environment cannot be made.
    """
    if manager == LOCAL and override:
        raise click.UsageError("other requirements need another environment: choose --env-manager virtualenv or uv")
    if manager == LOCAL and not added:
        return
    import sys

    from steno.tracking import brought

    python = Path(sys.executable)
    if manager != LOCAL:
        python = built(folder, manager, extras=EXTRAS, override=override, shown=values["model_uri"]).python
    there = {**values, "model_uri": str(folder), "brought": brought.is_brought(folder)}
    go_on(python, ["models", context.command.name or "", *words_of(context.command, there)], added or {})


def folder_of(session: Session, model_uri: str, *, is_brought: bool = False) -> Path:
    """Return where a model lies on this machine. Raises: NotFound."""
    from steno.tracking import brought, places
    from steno.tracking.models import local_folder

    with places.chosen_for(session.uri):
        folder = local_folder(model_uri).absolute()
    if is_brought:
        brought.adopt(folder)
    return folder
