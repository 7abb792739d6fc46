"""The root of the command line and its table of contents."""

from __future__ import annotations

import click

from steno import __version__
from steno.cli.group import ErrorReportingGroup, LazyGroup, SharedOptions
from steno.cli.session import Session

COMMANDS = {
    "runs": "steno.cli.runs:runs",
    "experiments": "steno.cli.experiments:experiments",
    "artifacts": "steno.cli.artifacts:artifacts",
    "models": "steno.cli.models.command:models",
    "plugins": "steno.cli.plugins:plugins",
    "sync": "steno.cli.upkeep:sync",
    "fsck": "steno.cli.upkeep:fsck",
    "gc": "steno.cli.upkeep:gc",
    "doctor": "steno.cli.doctor.command:doctor",
}


class Root(SharedOptions, ErrorReportingGroup, LazyGroup):
    """Its own commands by address, then those of plugins."""


@click.group(cls=Root, addresses=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="%(prog)s %(version)s")
def steno() -> None:
    """Look at recorded runs and registered models, move them about, keep the store in order.

    A RUN is a run's id, any unique start or end of it, or a unique name. An EXPERIMENT is an id or a name.
    A MODEL is a registered model's name; name/3, name@champion and name/Production are one VERSION of it.
    """


def main() -> None:
    """Run the command line; ends the process."""
    import io
    import logging
    import sys

    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal that cannot show a sign shows "?", not a traceback
    logging.basicConfig(format="%(levelname)s: %(message)s", level=logging.WARNING)
    steno(prog_name="steno", obj=Session())
