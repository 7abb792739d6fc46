"""`steno artifacts`: list, show and download what runs left behind."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from steno.cli import lookup
from steno.cli.formats import size
from steno.cli.group import CommandGroup
from steno.cli.progress import progress
from steno.cli.session import Session
from steno.errors import InvalidValue, NotFound

if TYPE_CHECKING:
    from steno.contracts.stores import ArtifactStore
    from steno.records import FileInfo

SHOW_LIMIT = 4 * 1024 * 1024


@click.group(cls=CommandGroup)
def artifacts() -> None:
    """List, show and download the artifacts of runs."""


@artifacts.command("list")
@click.argument("run")
@click.argument("path", default="")
@click.option("--recursive", "-r", is_flag=True, help="Folders within folders too.")
@click.pass_obj
def list_(session: Session, run: str, path: str, recursive: bool) -> None:
    """List the artifacts of RUN, or those below PATH."""
    from steno.cli.tables import table

    store = _store(session, run)
    found = list(walk(store, path)) if recursive else store.list(path)
    rows = [[one.path + ("/" if one.is_dir else ""), size(one.file_size)] for one in found]
    session.emit(found, lambda: table(["path", ">size"], rows))


@artifacts.command()
@click.argument("run")
@click.argument("path")
@click.pass_obj
def show(session: Session, run: str, path: str) -> None:
    """Print the text artifact PATH of RUN."""
    with _store(session, run).open(path) as file:
        content = file.read(SHOW_LIMIT + 1)
    try:
        if len(content) > SHOW_LIMIT:
            raise InvalidValue(f"{path} is larger than {size(SHOW_LIMIT)}; use `steno artifacts download`")
        text = content.decode()
    except UnicodeDecodeError:
        raise InvalidValue(f"{path} is no text; use `steno artifacts download`") from None
    if session.as_json:
        session.emit_json({"path": path, "size_bytes": len(content), "text": text})
    else:
        sys.stdout.write(text if text.endswith("\n") else text + "\n")


@artifacts.command()
@click.argument("run")
@click.argument("path", default="")
@click.option(
    "--destination", "-d", type=click.Path(file_okay=False, path_type=Path), default=".", help="Default: here."
)
@click.pass_obj
def download(session: Session, run: str, path: str, destination: Path) -> None:
    """Copy the artifacts of RUN, or PATH alone, into a folder. Files of the same name are replaced."""
    store = _store(session, run)
    keys = [one.path for one in walk(store, path) if not one.is_dir] or ([path] if path else [])
    if not keys:
        raise NotFound(f"run {run} has no artifacts")
    above = len(path) - len(Path(path).name) if path else 0
    targets = [destination / key[above:] for key in keys]
    with progress("downloading", total=len(keys)) as advance:
        for key, target in zip(keys, targets, strict=True):
            _copy(store, key, target)
            advance(1)
    session.say("\n".join(map(str, targets)), {"files": [str(target) for target in targets]})


def walk(store: ArtifactStore, path: str = "") -> Iterator[FileInfo]:
    """Yield all entries below a folder, each folder before what it holds."""
    for entry in store.list(path):
        yield entry
        if entry.is_dir:
            yield from walk(store, entry.path)


def _store(session: Session, run: str) -> ArtifactStore:
    from steno.tracking.run_models import RunFiles

    info = lookup.find_run(session, run).info
    return RunFiles(session.uri, info.run_id, session.artifacts(info.artifact_uri))


def _copy(store: ArtifactStore, key: str, target: Path) -> None:
    from steno.contracts.paths import artifact_key

    artifact_key(key)  # a listing comes from outside: it must not make us write elsewhere
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + ".part")
    try:
        with store.open(key) as source, part.open("wb") as file:
            shutil.copyfileobj(source, file)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
