"""`steno models verify`: whether a model loads and predicts in a clean process."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from steno.cli.ending import ended_in_order
from steno.cli.group import SharedOptions
from steno.cli.models.environments import TRUSTED, env_manager_option
from steno.cli.progress import progress
from steno.cli.session import Session

if TYPE_CHECKING:
    from steno.tracking.verification import Verification


@click.command(cls=SharedOptions)
@click.argument("model_uri", metavar="URI")
@env_manager_option("--env-manager", "--env", default="virtualenv")
@TRUSTED
@click.option(
    "--timeout",
    "-t",
    "timeout_s",
    default=300.0,
    show_default=True,
    type=click.FloatRange(0, min_open=True),
    help="Seconds that loading and predicting have.",
)
@click.option("--no-record", is_flag=True, help="Write nothing on the model.")
@click.pass_context
def verify(
    context: click.Context, model_uri: str, env_manager: str, trusted: Sequence[str], timeout_s: float, no_record: bool
) -> None:
    """Try the model at URI in a clean process: load it, predict on its example, compare with what it predicted.

    The process runs in an environment made as the model's files say, or with what is installed here (--env local). What
    comes of it is written on the logged model, and on the VERSION, as tags: steno.verified is ok or no.

    \b
    steno models verify models:/churn/3
    steno models verify models:/churn@champion --env local
    """
    from steno.tracking import places
    from steno.tracking.verification import verify_model

    session: Session = context.obj
    with places.chosen_for(session.uri), ended_in_order(), progress(f"trying {model_uri}"):
        found = verify_model(
            model_uri, env_manager=env_manager, trusted=trusted, timeout_s=timeout_s, record=not no_record
        )
    if session.as_json:
        session.emit_json(found)
    elif found.ok:
        click.echo(_sentence(found))
    else:
        click.echo(f"Error: {_sentence(found)}", err=True)
    context.exit(0 if found.ok else 1)


def _sentence(found: Verification) -> str:
    return f"{found.model_uri} {found.what}{f' ({where})' if (where := found.where) else ''}"
