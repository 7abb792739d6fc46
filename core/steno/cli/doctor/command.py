"""The command: everything at a glance, or what an integration really records here, row by row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from steno.cli.doctor import integrations
from steno.cli.doctor.findings import Finding, examined, table_of
from steno.cli.doctor.installation import EXAMINATIONS
from steno.cli.group import SharedOptions
from steno.cli.session import Session

if TYPE_CHECKING:
    from rich.console import RenderableType

_HINT = "Without --quick it is shown what each integration captures, how, and what is off."


@click.command(cls=SharedOptions)
@click.argument("names", nargs=-1, metavar="[INTEGRATION]...")
@click.option("--quick", is_flag=True, help="Import no framework: say what metadata tells.")
@click.option(
    "--timeout",
    "timeout_s",
    type=click.FloatRange(min=1.0),
    default=120.0,
    show_default=True,
    metavar="SECONDS",
    help="How long one framework may take to be imported.",
)
@click.pass_context
def doctor(ctx: click.Context, names: tuple[str, ...], quick: bool, timeout_s: float) -> None:
    """Say what steno works with and what is wrong.

    Names a remedy for each problem. Exit status 1 if there is one. Every framework that is installed, or that of each
    INTEGRATION named, is imported in a process apart, and what is recorded is shown row by row: how each call is
    watched, what it captures, what is off and why.
    """
    session = ctx.ensure_object(Session)
    findings = [] if names else [found for examine in EXAMINATIONS for found in examined(examine, session)]
    findings += examined(integrations.switched_off, session)
    offers = integrations.chosen(names)
    findings += integrations.from_metadata(offers) if quick else integrations.looked_into(offers, timeout_s)
    session.emit([finding._asdict() for finding in findings], lambda: _page(findings))
    ctx.exit(1 if any(finding.state == "problem" for finding in findings) else 0)


def _page(findings: list[Finding]) -> RenderableType:
    from rich.console import Group

    rows = [integrations.table_of_rows(finding) for finding in findings if "rows" in finding.more]
    parts: list[RenderableType] = [table_of(findings)]
    below: list[RenderableType] = [*rows] or [_HINT]
    for part in below:
        parts += ["", part]
    return Group(*parts)
