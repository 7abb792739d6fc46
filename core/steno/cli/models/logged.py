"""`steno models logged`: models as they were logged, each an entity of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from steno.cli.group import CommandGroup
from steno.cli.lookup import find_experiment, list_experiments
from steno.cli.session import Session
from steno.errors import InvalidValue, NotFound

if TYPE_CHECKING:
    from steno.model_records import LoggedModel


@click.group(cls=CommandGroup)
def logged() -> None:
    """List, show, delete and restore logged models.

    A LOGGED MODEL is told by its id (m-…), or by the beginning or end of it. It is what `log_model` and autologging
    make, whether it is registered or not; `models:/<id>` loads it.
    """


@logged.command("list")
@click.option("--experiment", "-e", "experiments", multiple=True, help="Name or id; may be repeated. All by default.")
@click.option("--run", "run_id", help="Only those that a run made.")
@click.option("--limit", "-n", type=click.IntRange(1), default=100, show_default=True, help="Rows at most.")
@click.pass_obj
def list_(session: Session, experiments: Sequence[str], run_id: str | None, limit: int) -> None:
    """List logged models, the newest first."""
    from steno.cli.lookup import find_run

    where = f"source_run_id = '{find_run(session, run_id).info.run_id}'" if run_id else None
    _print(session, experiments, where, (), limit)


@logged.command()
@click.argument("filter_string", metavar="FILTER")
@click.option("--experiment", "-e", "experiments", multiple=True, help="Name or id; may be repeated. All by default.")
@click.option("--order-by", "-o", multiple=True, help="'metrics.accuracy DESC'; may be repeated.")
@click.option("--limit", "-n", type=click.IntRange(1), default=100, show_default=True, help="Rows at most.")
@click.pass_obj
def search(
    session: Session, filter_string: str, experiments: Sequence[str], order_by: Sequence[str], limit: int
) -> None:
    """List the logged models that a filter lets through.

    \b
    steno models logged search "metrics.accuracy > 0.9 AND name = 'model'" -o "metrics.accuracy DESC"
    steno models logged search "params.max_depth = '3' AND tags.team = 'red'"
    """
    _print(session, experiments, filter_string, order_by, limit)


@logged.command()
@click.argument("model_id", metavar="LOGGED_MODEL")
@click.pass_obj
def show(session: Session, model_id: str) -> None:
    """Show a logged model with its params, metrics and tags, its run and the run's data."""
    from steno.cli.models.logged_page import page

    model = _find(session, model_id)
    run = session.client.get_logged_model_run(model.model_id) if model.lifecycle_stage == "active" else None
    session.emit({"model": model, "inputs": run.inputs if run else None}, lambda: page(model, run))


@logged.command()
@click.argument("model_id", metavar="LOGGED_MODEL")
@click.pass_obj
def delete(session: Session, model_id: str) -> None:
    """Mark a logged model deleted; `restore` brings it back until `steno gc`."""
    model = _find(session, model_id)
    session.store.delete_logged_model(model.model_id)
    session.say(f"deleted {model.model_id} ({model.name})", {"model_id": model.model_id, "lifecycle_stage": "deleted"})


@logged.command()
@click.argument("model_id", metavar="LOGGED_MODEL")
@click.pass_obj
def restore(session: Session, model_id: str) -> None:
    """Bring a deleted logged model back."""
    model = _find(session, model_id)
    session.store.restore_logged_model(model.model_id)
    session.say(f"restored {model.model_id} ({model.name})", {"model_id": model.model_id, "lifecycle_stage": "active"})


def _print(
    session: Session, experiments: Sequence[str], where: str | None, order_by: Sequence[str], limit: int
) -> None:
    from steno.cli.models.logged_page import table_of

    chosen = [find_experiment(session, each) for each in experiments] or list(list_experiments(session, "active"))
    ids = [each.experiment_id for each in chosen]
    found: list[LoggedModel] = []
    token: str | None = None
    while True:
        page = session.client.search_logged_models(ids, where, None, min(1000, limit - len(found)), order_by, token)
        found, token = [*found, *page], page.token
        if token is None or len(found) >= limit:
            break
    if session.as_json or found:
        session.emit(found, lambda: table_of(found))
    else:
        click.echo("no logged models")
    if token is not None and not session.as_json:
        click.echo(f"there are more; -n {limit * 5} shows more of them", err=True)


def _find(session: Session, text: str) -> LoggedModel:
    """Return the model of that id, or whose id begins or ends so; deleted ones too. Raises: NotFound, InvalidValue."""
    from steno.queries import Compare, Entity, Field, LoggedModelQuery, Or, ViewType

    store = session.store
    plain = text.removeprefix("models:/")
    try:
        return store.get_logged_model(plain)
    except NotFound:
        field = Field(Entity.ATTRIBUTE, "model_id")
        parts: tuple[Any, ...] = ()
        if plain.replace("-", "").isalnum():  # neither % nor _, which LIKE reads as wildcards
            parts = tuple(Compare(field, "LIKE", like) for like in (f"{plain}%", f"m-{plain}%", f"%{plain}"))
        found = store.search_logged_models(LoggedModelQuery(None, Or(parts), view=ViewType.ALL, max_results=6))
    if not found:
        raise NotFound(f"no logged model has the id {text!r}; `steno models logged list` shows what is there")
    if len(found) > 1:
        shown = ", ".join(f"{each.model_id} ({each.name})" for each in found[:5])
        raise InvalidValue(f"{text!r} may mean several logged models: {shown}{', ...' if len(found) > 5 else ''}")
    return found[0]
