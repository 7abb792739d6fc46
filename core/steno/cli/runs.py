"""`steno runs`: list, search, show and compare runs; delete, restore and export them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from steno.cli import lookup
from steno.cli.export import export
from steno.cli.group import CommandGroup
from steno.cli.progress import progress
from steno.cli.session import Session

if TYPE_CHECKING:
    from steno.queries import Field
    from steno.records import Run

F = TypeVar("F", bound=Callable[..., Any])


def _selection(function: F) -> F:
    """The options that `list` and `search` share."""
    options = [
        click.option("--experiment", "-e", "experiments", multiple=True, help="Only this one; may be repeated."),
        click.option("--view", type=click.Choice(list(lookup.VIEWS)), default="active", show_default=True),
        click.option("--limit", "-n", type=click.IntRange(1), default=20, show_default=True, help="Rows at most."),
        click.option("--columns", "-c", default="", help="metrics.loss,metrics.loss.min,params.lr,tags.team, ..."),
        click.option("--order-by", "-o", multiple=True, help="'metrics.loss ASC'; may be repeated."),
    ]
    for option in reversed(options):
        function = option(function)
    return function


@click.group(cls=CommandGroup)
def runs() -> None:
    """List, search, show, compare, delete, export runs."""


runs.add_command(export)


@runs.command("list")
@_selection
@click.pass_obj
def list_(session: Session, /, columns: str, **selection: Any) -> None:
    """List runs, newest first."""
    _print_list(session, columns, None, selection)


@runs.command()
@click.argument("filter_string", metavar="FILTER")
@_selection
@click.pass_obj
def search(session: Session, /, filter_string: str, columns: str, **selection: Any) -> None:
    """List the runs that a filter lets through.

    \b
    steno runs search "metrics.loss.min < 0.1 AND params.optimizer = 'adam'"
    steno runs search "status = 'FAILED' OR tags.team = 'vision'" -o 'metrics.loss ASC'
    """
    _print_list(session, columns, filter_string, selection)


@runs.command()
@click.argument("run", required=False)
@click.option("--all-tags", is_flag=True, help="System tags too.")
@click.pass_obj
def show(session: Session, run: str | None, all_tags: bool) -> None:
    """Show RUN whole; the newest one without a RUN."""
    found = lookup.find_run(session, run) if run else lookup.newest_run(session)
    if session.as_json:
        session.emit_json(found)
        return
    from steno.cli.run_page import run_page

    experiment = session.store.get_experiment(found.info.experiment_id).name
    with progress("reading metrics"):
        page = run_page(found, experiment, session.store, all_tags=all_tags)
    session.console.print(page)


@runs.command()
@click.argument("run", nargs=-1, required=True)
@click.option("--all", "everything", is_flag=True, help="What is equal in all of them too.")
@click.pass_obj
def compare(session: Session, run: Sequence[str], everything: bool) -> None:
    """Compare two or more RUNs: what differs between them."""
    if len(run) < 2:
        raise click.UsageError("name two runs or more")
    from steno.cli.run_tables import comparison, comparison_table

    found = [lookup.find_run(session, name) for name in run]
    compared = comparison(found, everything=everything)
    data = {"run_ids": [one.info.run_id for one in found], **compared}
    session.emit(data, lambda: comparison_table(found, compared))


@runs.command()
@click.argument("run", nargs=-1, required=True)
@click.pass_obj
def delete(session: Session, run: Sequence[str]) -> None:
    """Mark RUNs deleted. `restore` undoes it until `steno gc` removes them."""
    found = [lookup.find_run(session, name) for name in run]
    for one in found:
        session.store.delete_run(one.info.run_id)
    _say_what(session, "deleted", found)


@runs.command()
@click.argument("run", nargs=-1, required=True)
@click.pass_obj
def restore(session: Session, run: Sequence[str]) -> None:
    """Bring deleted RUNs back."""
    found = [lookup.find_run(session, name) for name in run]
    for one in found:
        session.store.restore_run(one.info.run_id)
    _say_what(session, "restored", found)


def _print_list(session: Session, columns: str, filter_string: str | None, selection: dict[str, Any]) -> None:
    limit = selection.pop("limit")
    fields = _fields(columns)
    # One more than is shown, to know whether there are more.
    found = list(lookup.search_runs(session, filter_string, limit=limit + 1, **selection))
    more, found = len(found) > limit, found[:limit]
    if session.as_json:
        session.emit_json(found)
        return
    if not found:
        click.echo("no runs")
        return
    from steno.cli.run_tables import run_list

    session.console.print(run_list(found, lookup.experiment_names(session), fields))
    if more:
        click.echo(f"there are more; -n {limit * 5} shows more of them", err=True)


def _fields(columns: str) -> Sequence[Field]:
    from steno.tracking.search import parse_runs

    texts = [text.strip() for text in columns.split(",") if text.strip()]
    return [key.field for key in parse_runs(None, texts)[1]]


def _say_what(session: Session, done: str, found: Sequence[Run]) -> None:
    ids = [run.info.run_id for run in found]
    session.say("\n".join(f"{done} {run.info.run_id} ({run.info.run_name})" for run in found), {done: ids})
