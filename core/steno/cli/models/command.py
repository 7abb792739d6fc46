"""The group of commands, and those that look: list, search, show, versions."""

from __future__ import annotations

from collections.abc import Sequence

import click

from steno.cli.group import OpenGroup
from steno.cli.models import changes, difference, logged, reference, trail, verifying
from steno.cli.session import Session
from steno.model_records import RegisteredModel


@click.group(cls=OpenGroup, hook="register_model_commands")
def models() -> None:
    """Register, look up, move and compare models.

    A MODEL is a registered model's name. A VERSION is name/3, name@champion, name/Production or name/latest, as in a
    URI models:/name/3; a mere name stands for its highest version.
    """


for command in (*changes.COMMANDS, *trail.COMMANDS, difference.diff, logged.logged, verifying.verify):
    models.add_command(command)


@models.command("list")
@click.option("--limit", "-n", type=click.IntRange(1), default=100, show_default=True, help="Rows at most.")
@click.pass_obj
def list_(session: Session, limit: int) -> None:
    """List registered models by name."""
    _print_models(session, None, (), limit)


@models.command()
@click.argument("filter_string", metavar="FILTER")
@click.option("--versions", is_flag=True, help="Search versions, not models.")
@click.option("--order-by", "-o", multiple=True, help="'last_updated_timestamp DESC'; may be repeated.")
@click.option("--limit", "-n", type=click.IntRange(1), default=100, show_default=True, help="Rows at most.")
@click.pass_obj
def search(session: Session, filter_string: str, versions: bool, order_by: Sequence[str], limit: int) -> None:
    """List the models, or versions, that a filter lets through.

    \b
    steno models search "name LIKE 'churn%' AND tags.team = 'red'"
    steno models search --versions "run_id = '...' AND version_number > 3"
    """
    if not versions:
        _print_models(session, filter_string, order_by, limit)
        return
    from steno.cli.models.tables import version_list

    found = session.registry.search_model_versions(filter_string, limit, order_by)
    if session.as_json or found:
        session.emit(list(found), lambda: version_list(found, named=True))
    else:
        click.echo("no versions")
    _say_more(session, found.token is not None, limit)


@models.command()
@click.argument("version")
@click.pass_obj
def show(session: Session, version: str) -> None:
    """Show a MODEL with its versions, or a VERSION with its files, its run and the run's data."""
    from steno.cli.models import page

    client = session.registry
    if reference.is_name(version):
        model, versions = client.get_registered_model(version), client.list_model_versions(version)
        data = {"model": model, "versions": versions}
        session.emit(data, lambda: page.model_page(model, versions))
        return
    whole = page.Whole(client, reference.find_version(client, version))
    session.emit(whole.data(), lambda: page.version_page(whole))


@models.command()
@click.argument("model")
@click.pass_obj
def versions(session: Session, model: str) -> None:
    """List the versions of MODEL, the highest first."""
    from steno.cli.models.tables import version_list

    found = session.registry.list_model_versions(model)
    if session.as_json or found:
        session.emit(found, lambda: version_list(found))
    else:
        click.echo("no versions")


def _print_models(session: Session, filter_string: str | None, order_by: Sequence[str], limit: int) -> None:
    from steno.cli.models.tables import model_list

    client, found = session.registry, list[RegisteredModel]()
    token: str | None = None
    while len(found) < limit:
        page = client.search_registered_models(filter_string, min(1000, limit - len(found)), order_by, token)
        found, token = [*found, *page], page.token
        if token is None:
            break
    if session.as_json or found:
        session.emit(found, lambda: model_list(found))
    else:
        click.echo("no registered models")
    _say_more(session, token is not None, limit)


def _say_more(session: Session, more: bool, limit: int) -> None:
    if more and not session.as_json:
        click.echo(f"there are more; -n {limit * 5} shows more of them", err=True)
