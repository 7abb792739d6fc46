"""`steno import` and `steno export`: runs from other tools, and to where other tools read them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
from steno.cli.group import CommandGroup, SharedOptions
from steno.cli.session import Session

from steno_transfer.exporting.commands import COMMANDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from steno_transfer.report import Report

LINES = 20
"""So many of what was left or renamed are printed; `--json` has them all."""


@click.command("import", cls=SharedOptions)
@click.argument("tool", required=False)
@click.option("--from", "location", metavar="LOCATION", help="What to read: a folder, a file, an address.")
@click.option("--experiment", "-e", "experiments", multiple=True, help="Only this one, by name; may be repeated.")
@click.option("--no-deleted", is_flag=True, help="Leave out what is marked deleted.")
@click.option("--no-artifacts", is_flag=True, help="Leave files where they are; a later import can fetch them.")
@click.option("--dry-run", is_flag=True, help="Read everything, write nothing, and tell what there is.")
@click.pass_context
def import_(ctx: click.Context, /, tool: str | None, location: str | None, dry_run: bool, **chosen: Any) -> None:
    """Bring in the runs that TOOL recorded.

    Each run is carried once, however often this is done, and an interrupted import goes on where it was. Without TOOL,
    lists what can be imported. Exit status 1 if something could not be carried; it is listed.
    """
    from steno_transfer import importing

    session = ctx.ensure_object(Session)
    if tool is None:
        found = importing.tools()
        session.say("\n".join(f"{name}  {what}".rstrip() for name, what in found.items()), found)
        return
    if location is None:
        raise click.UsageError(f"say where from: steno import {tool} --from LOCATION")
    choice = importing.chosen(**chosen)
    if dry_run:
        report = importing.survey(tool, location, choice)
    else:
        report = importing.bring_in(session, tool, location, choice)
    tell(session, report, "found" if dry_run else "carried")
    ctx.exit(1 if report.left else 0)


@click.group(cls=CommandGroup)
def export() -> None:
    """Take runs to where other tools read them."""


@export.command("mlflow")
@click.option("--to", "uri", metavar="URI", required=True, help="The address of an MLflow tracking server.")
@click.option("--experiment", "-e", "experiments", multiple=True, help="Only this one, by name; may be repeated.")
@click.option("--no-deleted", is_flag=True, help="Leave out what is marked deleted.")
@click.option("--no-artifacts", is_flag=True, help="Leave files where they are; a later export can take them.")
@click.option("--dry-run", is_flag=True, help="Read everything, write nothing, and tell what there is.")
@click.pass_context
def to_mlflow(ctx: click.Context, /, uri: str, dry_run: bool, **chosen: Any) -> None:
    """Copy experiments, runs and models to an MLflow server.

    The server gives runs and logged models ids of its own; the tag steno.run_id has the old ones. Each is carried once,
    however often this is done, and an interrupted export goes on where it was. A database or folder of MLflow's is
    reached by way of a server: `mlflow server --backend-store-uri sqlite:///mlflow.db`. Exit status 1 if something
    could not be carried.
    """
    from steno_transfer import importing

    session = ctx.ensure_object(Session)
    choice = importing.chosen(**chosen)
    report = importing.take_out(session, uri, choice, dry_run=dry_run)
    tell(session, report, "found" if dry_run else "carried")
    ctx.exit(1 if report.left else 0)


for _command in COMMANDS:
    export.add_command(_command)


def tell(session: Session, report: Report, done: str) -> None:
    """Print what a transfer did."""
    from steno.cli.formats import size

    if session.as_json:
        session.emit_json(report)
        return
    amounts = {name: f"{amount:,}" for name, amount in report.carried.items() if amount and name != "artifact_bytes"}
    if "artifacts" in amounts:
        amounts["artifacts"] += f" ({size(report.carried['artifact_bytes'])})"
    told = ", ".join(f"{amount} {name.replace('_', ' ')}" for name, amount in amounts.items())
    lines = [f"{done} {told or 'nothing'}"]
    if report.already_there:
        lines.append(f"{report.already_there:,} runs and models were there already")
    lines += [*_some(report.renamed), *_some(report.notes), *_some([f"not carried: {what}" for what in report.left])]
    click.echo("\n".join(lines))


def _some(lines: Sequence[str]) -> list[str]:
    more = len(lines) - LINES
    return [*lines[:LINES], *([f"… and {more} more; --json lists all"] if more > 0 else [])]
