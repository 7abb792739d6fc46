"""`steno experiments`: list, show, create, rename, delete and restore experiments."""

from __future__ import annotations

from collections.abc import Sequence

import click

from steno.cli import lookup
from steno.cli.formats import local_time
from steno.cli.group import CommandGroup
from steno.cli.session import Session


@click.group(cls=CommandGroup)
def experiments() -> None:
    """List, show, create, rename, delete and restore experiments."""


@experiments.command("list")
@click.option("--view", type=click.Choice(list(lookup.VIEWS)), default="active", show_default=True)
@click.option("--limit", "-n", type=click.IntRange(1), default=100, show_default=True, help="Rows at most.")
@click.pass_obj
def list_(session: Session, view: str, limit: int) -> None:
    """List experiments, newest first."""
    from steno.cli.tables import table

    found = list(lookup.list_experiments(session, view, limit))
    headers = ["id", "name", "created", "last change", *([] if view == "active" else ["stage"])]
    rows = [
        [one.experiment_id, one.name, local_time(one.creation_time), local_time(one.last_update_time)]
        + ([] if view == "active" else [one.lifecycle_stage])
        for one in found
    ]
    session.emit(found, lambda: table(headers, rows))


@experiments.command()
@click.argument("experiment")
@click.pass_obj
def show(session: Session, experiment: str) -> None:
    """Show EXPERIMENT and its newest runs."""
    found = lookup.find_experiment(session, experiment)
    if session.as_json:
        session.emit_json(found)
        return
    from steno.cli.run_tables import run_list
    from steno.cli.tables import fields

    head = {
        "name": found.name,
        "id": found.experiment_id,
        "stage": found.lifecycle_stage,
        "created": local_time(found.creation_time),
        "last change": local_time(found.last_update_time),
        "artifacts": found.artifact_location,
        **found.tags,
    }
    runs = list(lookup.search_runs(session, experiments=[found.experiment_id], view="all", limit=5))
    session.console.print(fields(head))
    if runs:
        session.console.print("", run_list(runs, {}, ()), sep="\n")


@experiments.command()
@click.argument("name")
@click.option("--artifact-location", metavar="URI", help="Where its artifacts go; default beside the store.")
@click.option("--tag", "-t", "tags", metavar="KEY=VALUE", multiple=True, help="May be repeated.")
@click.pass_obj
def create(session: Session, name: str, artifact_location: str | None, tags: Sequence[str]) -> None:
    """Create an experiment."""
    unreadable = [tag for tag in tags if not tag.partition("=")[1]]
    if unreadable:
        raise click.UsageError(f"{unreadable[0]!r} is not of the form KEY=VALUE")
    pairs = {key: value for key, _, value in (tag.partition("=") for tag in tags)}
    made = session.open_store().create_experiment(name, artifact_location=artifact_location, tags=pairs)
    session.say(f"created experiment {made.experiment_id} ({made.name})", made)


@experiments.command()
@click.argument("experiment")
@click.argument("name")
@click.pass_obj
def rename(session: Session, experiment: str, name: str) -> None:
    """Give EXPERIMENT another NAME."""
    found = lookup.find_experiment(session, experiment)
    session.store.rename_experiment(found.experiment_id, name)
    done = session.store.get_experiment(found.experiment_id)
    session.say(f"experiment {done.experiment_id} is now named {done.name}", done)


@experiments.command()
@click.argument("experiment")
@click.pass_obj
def delete(session: Session, experiment: str) -> None:
    """Mark EXPERIMENT and its runs deleted. `restore` undoes it until `steno gc` removes them."""
    found = lookup.find_experiment(session, experiment)
    session.store.delete_experiment(found.experiment_id)
    done = session.store.get_experiment(found.experiment_id)
    session.say(f"deleted experiment {done.experiment_id} ({done.name})", done)


@experiments.command()
@click.argument("experiment")
@click.pass_obj
def restore(session: Session, experiment: str) -> None:
    """Bring a deleted EXPERIMENT back, its runs included."""
    found = lookup.find_experiment(session, experiment)
    session.store.restore_experiment(found.experiment_id)
    done = session.store.get_experiment(found.experiment_id)
    session.say(f"restored experiment {done.experiment_id} ({done.name})", done)
