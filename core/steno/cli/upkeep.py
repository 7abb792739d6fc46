"""`steno sync`, `fsck` and `gc`: bring in what waits, look for damage, make room."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from steno.cli.artifacts import walk
from steno.cli.formats import Age, size
from steno.cli.group import SharedOptions
from steno.cli.lookup import list_experiments, search_runs
from steno.cli.models.purging import purge_models
from steno.cli.progress import progress
from steno.cli.session import Session, embedded_path
from steno.errors import StenoError, UnknownScheme

if TYPE_CHECKING:
    from steno.contracts.stores import ArtifactStore
    from steno.records import FileInfo


@click.command(cls=SharedOptions)
@click.pass_context
def sync(ctx: click.Context) -> None:
    """Deliver what was recorded while the store was away.

    Runs whose process is gone are closed. All this happens by itself when the next run begins; `sync` does it
    now. Exit status 1 if something stays behind.
    """
    from steno.tracking import recovery

    session = ctx.ensure_object(Session)
    with progress("delivering"):
        report = recovery.sync(session.tracking_uri)
    lines = [f"delivered {_count(report.delivered, 'journal')} to {session.uri}"]
    lines += [f"closed run {run_id}, whose process is gone" for run_id in report.closed]
    lines += [f"{_count(report.in_use, 'journal')} in use"] if report.in_use else []
    lines += [f"damaged: {what}" for what in report.damaged]
    lines += [f"run {run_id} stays in its journal: {why}" for run_id, why in report.failed.items()]
    session.say("\n".join(lines), report)
    ctx.exit(1 if report.failed else 0)


@click.command(cls=SharedOptions)
@click.pass_context
def fsck(ctx: click.Context) -> None:
    """Look for damage in journals and embedded store.

    Changes nothing. Exit status 1 if there is any.
    """
    from steno.cli.tables import table
    from steno.tracking import places, recovery

    session = ctx.ensure_object(Session)
    with progress("reading journals"):
        journals = recovery.check(places.journal_folder(session.uri))
    path = embedded_path(session.uri)
    with progress("reading the store"):
        damage = database_damage(path) if path is not None and path.exists() else []
    if session.as_json:
        session.emit_json({"journals": journals, "store": {"uri": session.uri, "damage": damage}})
    else:
        rows = [[one.run_id, one.state, str(one.points), size(one.pending_bytes), one.damage or ""] for one in journals]
        if rows:
            session.console.print(table(["run", "journal", ">points", ">to deliver", "damage"], rows))
        click.echo("\n".join(damage) or f"{session.uri}: no damage found")
    ctx.exit(1 if damage or any(one.damage for one in journals) else 0)


@click.command(cls=SharedOptions)
@click.option("--older-than", type=Age(), default="30d", show_default=True, help="Deleted longer ago than this.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@click.pass_obj
def gc(session: Session, older_than: int, yes: bool) -> None:
    """Remove deleted runs, logged models and experiments for good.

    Models of those runs and all artifacts go too, but for registered models, and the store shrinks.
    """
    store = session.store
    if not yes:
        marked = sum(1 for _ in search_runs(session, view="deleted"))
        question = f"{_count(marked, 'run')} marked deleted. Remove for good those deleted longer ago than that?"
        click.confirm(question, abort=True, err=True)
    before = _file_size(session.uri)
    cutoff_ms = int(time.time() * 1000) - older_than
    with progress("removing runs"):
        runs = store.purge_runs(cutoff_ms)
        models = purge_models(session, cutoff_ms, [run_id for run_id, _ in runs])
        experiments = store.purge_experiments(cutoff_ms)
    places = {*(one.artifact_location for one in list_experiments(session)), *(uri for _, uri in experiments)}
    freed, problems = _remove_artifacts(session, runs, models, experiments)
    with progress("looking for identical files"):
        shared = _shared(session, places)
    with progress("shrinking the store"):
        store.compact()
    shrunk = max(before - _file_size(session.uri), 0)
    for problem in problems:
        click.echo(f"Warning: {problem}", err=True)
    session.say(
        f"removed {_count(len(runs), 'run')}, {_count(len(models), 'logged model')} and "
        f"{_count(len(experiments), 'experiment')}; "
        f"freed {size(freed)} of artifacts and {size(shrunk)} of the store" + _told(shared),
        {
            "runs": [run_id for run_id, _ in runs],
            "models": [model_id for model_id, _ in models],
            "experiments": [experiment_id for experiment_id, _ in experiments],
            "artifact_bytes": freed,
            "store_bytes": shrunk,
            "shared": shared,
            "problems": problems,
        },
    )


def database_damage(path: Path) -> list[str]:
    """What SQLite finds wrong with a file, nothing if it is whole."""
    import sqlite3
    from urllib.parse import quote

    try:
        connection = sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)
        try:
            found = [str(row[0]) for row in connection.execute("PRAGMA integrity_check")]
        finally:
            connection.close()
    except sqlite3.Error as error:
        return [f"{path}: {error}"]
    return [f"{path}: {line}" for line in found if line != "ok"]


def _remove_artifacts(
    session: Session,
    runs: list[tuple[str, str]],
    models: list[tuple[str, str]],
    experiments: list[tuple[str, str]],
) -> tuple[int, list[str]]:
    freed, problems, registered = 0, [], _registered(session, runs)
    with progress("removing artifacts", total=len(runs) + len(models) + len(experiments)) as advance:
        for owner, uri, is_whole in _owners(runs, models, experiments):
            if uri in registered:
                problems.append(f"{uri} of {owner} stays: there are the files of {registered[uri]}")
                advance(1)
                continue
            try:
                store = session.artifacts(uri)
                entries = [entry for entry in walk(store) if not entry.is_dir]
                held = sum(entry.file_size or 0 for entry in entries)
                if held and not is_whole:
                    # The place of an experiment may have been chosen by the user, and hold more than runs.
                    problems.append(
                        f"{uri} of {owner} still holds {size(held)} that belong to no run or model; left there"
                    )
                else:
                    alone = sum(_own_bytes(store, entry) for entry in entries)
                    store.delete()
                    freed += alone
            except (StenoError, OSError) as error:
                problems.append(f"the artifacts of {owner} at {uri} were not removed: {error}")
            advance(1)
    return freed, problems


def _own_bytes(store: ArtifactStore, entry: FileInfo) -> int:
    """The room that goes with a file: none where the same file lies elsewhere too."""
    path = store.local_path(entry.path)
    try:
        return (entry.file_size or 0) if path is None or path.stat().st_nlink == 1 else 0
    except OSError:
        return entry.file_size or 0


def _shared(session: Session, uris: Iterable[str]) -> dict[str, int]:
    """Let stores that keep identical files once forget what is gone; files, paths to them, and what that saves."""
    total, seen = {"files": 0, "links": 0, "saved_bytes": 0}, set()
    for uri in uris:
        try:
            store: Any = session.artifacts(uri)
            if not hasattr(store, "tidy") or store.shares in seen:
                continue
            seen.add(store.shares)
            found = store.tidy()
        except (StenoError, OSError):  # it may be away; nothing is lost by not looking
            continue
        total = {name: count + getattr(found, name) for name, count in total.items()}
    return total


def _told(shared: dict[str, int]) -> str:
    if not shared["files"]:
        return ""
    files = _count(shared["files"], "file")
    return f"; {files} at {shared['links']} paths, stored once, saving {size(shared['saved_bytes'])}"


def _registered(session: Session, runs: list[tuple[str, str]]) -> dict[str, str]:
    """The registered versions whose files are among the artifacts of runs, by the artifacts' URI."""
    found: dict[str, str] = {}
    for run_id, uri in runs:
        try:
            versions = session.client.list_model_versions_of_run(run_id)
        except UnknownScheme:  # nothing keeps registered models with these runs
            break
        inside = (each for each in versions if (each.location or each.source).startswith((uri, "runs:")))
        if names := ", ".join(f"{each.name}/{each.version}" for each in inside):
            found[uri] = names
    return found


def _owners(
    runs: list[tuple[str, str]], models: list[tuple[str, str]], experiments: list[tuple[str, str]]
) -> Iterator[tuple[str, str, bool]]:
    """Whose artifacts are to go, their place, and whether all that is there is theirs."""
    yield from ((f"run {run_id}", uri, True) for run_id, uri in runs)
    yield from ((f"logged model {model_id}", uri, True) for model_id, uri in models)
    yield from ((f"experiment {experiment_id}", uri, False) for experiment_id, uri in experiments)


def _file_size(uri: str) -> int:
    path = embedded_path(uri)
    if path is None:
        return 0
    files = [path, path.with_name(path.name + "-wal")]
    return sum(file.stat().st_size for file in files if file.exists())


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
