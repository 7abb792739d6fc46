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

_HINT = "`steno doctor INTEGRATION`, or --deep for all, shows what is captured, how, and what is off."


@click.command(cls=SharedOptions)
@click.argument("names", nargs=-1, metavar="[INTEGRATION]...")
@click.option("--deep", is_flag=True, help="Import every framework, each in a process of its own, and try every row.")
@click.option(
    "--timeout",
    "timeout_s",
    type=click.FloatRange(min=1.0),
    default=120.0,
    show_default=True,
    metavar="SECONDS",
    help="How long one framework may take with --deep.",
)
@click.pass_context
def doctor(ctx: click.Context, names: tuple[str, ...], deep: bool, timeout_s: float) -> None:
    """Say what steno works with and what is wrong.

    Names a remedy for each problem. Exit status 1 if there is one. Nothing but metadata is read, so that it comes at
    once. With the name of an INTEGRATION, or --deep for all, its framework is imported in a process apart, and what is
    recorded is shown row by row: how each call is watched, what it captures, what is off and why.
    """
    session = ctx.ensure_object(Session)
    findings = [] if names else [found for examine in EXAMINATIONS for found in examined(examine, session)]
    if names or deep:
        findings += integrations.looked_into(integrations.chosen(names), timeout_s)
    else:
        findings += examined(integrations.standing, session)
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
