"""Commands that look back: history, at."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from steno.cli.group import SharedOptions
from steno.cli.models.reference import moment
from steno.cli.session import Session
from steno.errors import NotFound

if TYPE_CHECKING:
    from steno.model_records import ModelVersion


@click.command(cls=SharedOptions)
@click.argument("model", required=False)
@click.option("--until", metavar="WHEN", help="Only up to 2026-01-31, or 2026-01-31T12:00.")
@click.option("--limit", "-n", type=click.IntRange(1), default=50, show_default=True, help="The last of them at most.")
@click.pass_obj
def history(session: Session, model: str | None, until: str | None, limit: int) -> None:
    """Show who changed what when, of MODEL or of all; also of what is deleted by now."""
    from steno.cli.models.tables import event_list

    found = session.registry.get_registry_events(model, moment(until) if until else None)
    if model is not None and not found and until is None:
        raise NotFound(f"there never was a registered model {model!r}")
    last = found[-limit:]
    if session.as_json or last:
        session.emit(last, lambda: event_list(last))
    else:
        click.echo("nothing happened")
    if len(found) > limit and not session.as_json:
        click.echo(f"{len(found) - limit} earlier changes; -n {len(found)} shows them", err=True)


@click.command(cls=SharedOptions)
@click.argument("when")
@click.argument("model", required=False)
@click.option("--stage", help="Only versions that were in this stage.")
@click.option("--alias", help="Only versions that this alias stood for.")
@click.pass_obj
def at(session: Session, when: str, model: str | None, stage: str | None, alias: str | None) -> None:
    """Show which versions stood where WHEN: a day's end, or a time of it.

    \b
    steno models at 2026-01-31 churn --stage Production
    steno models at 2026-01-31T12:00
    """
    from steno.cli.models.tables import version_list
    from steno.registry import rules

    chosen = rules.stage(stage) if stage else None

    def wanted(version: ModelVersion) -> bool:
        return (chosen is None or version.current_stage == chosen) and (alias is None or alias in version.aliases)

    _, versions = session.registry.get_registry_at(moment(when), model)
    found = [version for version in versions if wanted(version)]
    if session.as_json or found:
        session.emit(found, lambda: version_list(found, named=True))
    else:
        click.echo("none")


COMMANDS = (history, at)
