"""Commands that change the registry: register, copy, alias, stage, tag, describe, rename, delete."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from steno.cli.group import SharedOptions
from steno.cli.models.reference import find_version, is_name, pairs, shown
from steno.cli.session import Session

if TYPE_CHECKING:
    from steno.model_records import ModelVersion

_STAGES = ("None", "Staging", "Production", "Archived")


@click.command(cls=SharedOptions)
@click.argument("uri")
@click.argument("model")
@click.option("--tag", "-t", "tags", metavar="KEY=VALUE", multiple=True, help="Of the version; may be repeated.")
@click.option("--description", "-d", help="Of the version.")
@click.pass_obj
def register(session: Session, uri: str, model: str, tags: Sequence[str], description: str | None) -> None:
    """Make the model at URI (runs:/<run id>/<path>, a folder) the next version of MODEL, created if it is missing."""
    made = session.client.register_model(uri, model, tags=pairs(tags), description=description)
    session.say(f"registered {shown(made)} from {made.source}", made)


@click.command(cls=SharedOptions)
@click.argument("version")
@click.argument("model")
@click.pass_obj
def copy(session: Session, version: str, model: str) -> None:
    """Make VERSION the next version of another MODEL, created if it is missing."""
    client = session.registry
    made = client.copy_model_version(f"models:/{shown(find_version(client, version))}", model)
    session.say(f"registered {shown(made)} as a copy of {made.source}", made)


@click.command(cls=SharedOptions)
@click.argument("version")
@click.argument("alias")
@click.option("--delete", is_flag=True, help="Remove the alias of the MODEL.")
@click.pass_obj
def alias(session: Session, version: str, alias: str, delete: bool) -> None:
    """Let ALIAS stand for VERSION, and no longer for another one of that model."""
    client = session.registry
    if delete:
        name = version if is_name(version) else find_version(client, version).name
        client.delete_registered_model_alias(name, alias)
        session.say(f"{name}@{alias} is no more", client.get_registered_model(name))
        return
    found = find_version(client, version)
    client.set_registered_model_alias(found.name, alias, found.version)
    session.say(f"{found.name}@{alias} is {shown(found)}", client.get_model_version(found.name, found.version))


@click.command(cls=SharedOptions)
@click.argument("version")
@click.argument("stage", type=click.Choice(_STAGES, case_sensitive=False))
@click.option("--archive", is_flag=True, help="Move the other versions that are in the stage to Archived.")
@click.pass_obj
def stage(session: Session, version: str, stage: str, archive: bool) -> None:
    """Move VERSION to STAGE."""
    client = session.registry
    found = find_version(client, version)
    done = client.transition_model_version_stage(found.name, found.version, stage, archive)
    session.say(f"{shown(done)} was {found.current_stage} and is {done.current_stage}", done)


@click.command(cls=SharedOptions)
@click.argument("version")
@click.argument("tags", metavar="KEY=VALUE...", nargs=-1)
@click.option("--delete", "-d", "removed", metavar="KEY", multiple=True, help="Remove a tag; may be repeated.")
@click.pass_obj
def tag(session: Session, version: str, tags: Sequence[str], removed: Sequence[str]) -> None:
    """Set and remove tags of a VERSION, or of a MODEL if a mere name is given."""
    if not tags and not removed:
        raise click.UsageError("give KEY=VALUE to set a tag, --delete KEY to remove one")
    client, chosen = session.registry, pairs(tags)
    if is_name(version):
        for key, value in chosen.items():
            client.set_registered_model_tag(version, key, value)
        for key in removed:
            client.delete_registered_model_tag(version, key)
        model = client.get_registered_model(version)
        session.say(f"{model.name}: {_listed(model.tags)}", model)
        return
    found = find_version(client, version)
    for key, value in chosen.items():
        client.set_model_version_tag(found.name, found.version, key, value)
    for key in removed:
        client.delete_model_version_tag(found.name, found.version, key)
    done = client.get_model_version(found.name, found.version)
    session.say(f"{shown(done)}: {_listed(done.tags)}", done)


@click.command(cls=SharedOptions)
@click.argument("version")
@click.argument("description")
@click.pass_obj
def describe(session: Session, version: str, description: str) -> None:
    """Set the DESCRIPTION of a VERSION, or of a MODEL if a mere name is given; an empty one clears it."""
    client = session.registry
    if is_name(version):
        model = client.update_registered_model(version, description)
        session.say(f"described {model.name}", model)
        return
    found = find_version(client, version)
    done = client.update_model_version(found.name, found.version, description)
    session.say(f"described {shown(done)}", done)


@click.command(cls=SharedOptions)
@click.argument("model")
@click.argument("name")
@click.pass_obj
def rename(session: Session, model: str, name: str) -> None:
    """Give MODEL another NAME."""
    done = session.registry.rename_registered_model(model, name)
    session.say(f"{model} is now named {done.name}", done)


@click.command(cls=SharedOptions)
@click.argument("version")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@click.pass_obj
def delete(session: Session, version: str, yes: bool) -> None:
    """Remove a VERSION, or a MODEL with all its versions, for good. Files and runs stay where they are."""
    client = session.registry
    if is_name(version):
        gone = client.list_model_versions(version)
        _ask(f"remove {version} and its {len(gone)} versions for good?", yes)
        client.delete_registered_model(version)
        session.say(f"removed {version}", _removed(version, gone))
        return
    found = find_version(client, version)
    _ask(f"remove {shown(found)} for good?", yes)
    client.delete_model_version(found.name, found.version)
    session.say(f"removed {shown(found)}", _removed(found.name, [found]))


def _ask(question: str, yes: bool) -> None:
    if not yes:
        click.confirm(question, abort=True, err=True)


def _removed(name: str, versions: list[ModelVersion]) -> dict[str, object]:
    return {"name": name, "removed": [each.version for each in versions]}


def _listed(tags: dict[str, str]) -> str:
    return ", ".join(f"{key}={value}" for key, value in sorted(tags.items())) or "no tags"


COMMANDS = (register, copy, alias, stage, tag, describe, rename, delete)
