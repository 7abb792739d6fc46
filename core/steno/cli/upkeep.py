"""`steno sync`, `fsck` and `gc`: bring in what waits, look for damage, make room."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import click

from steno.cli.artifacts import walk
from steno.cli.formats import Age, size
from steno.cli.group import SharedOptions
from steno.cli.lookup import search_runs
from steno.cli.progress import progress
from steno.cli.session import Session, embedded_path
from steno.errors import StenoError, UnknownScheme


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
    """Remove deleted runs and experiments for good.

    Their artifacts go too, but for those that hold a registered model, and the store shrinks.
    """
    store = session.store
    if not yes:
        marked = sum(1 for _ in search_runs(session, view="deleted"))
        question = f"{_count(marked, 'run')} marked deleted. Remove for good those deleted longer ago than that?"
        click.confirm(question, abort=True, err=True)
    before = _file_size(session.uri)
    cutoff_ms = int(time.time() * 1000) - older_than
    with progress("removing runs"):
        runs, experiments = store.purge_runs(cutoff_ms), store.purge_experiments(cutoff_ms)
    freed, problems = _remove_artifacts(session, runs, experiments)
    with progress("shrinking the store"):
        store.compact()
    shrunk = max(before - _file_size(session.uri), 0)
    for problem in problems:
        click.echo(f"Warning: {problem}", err=True)
    session.say(
        f"removed {_count(len(runs), 'run')} and {_count(len(experiments), 'experiment')}; "
        f"freed {size(freed)} of artifacts and {size(shrunk)} of the store",
        {
            "runs": [run_id for run_id, _ in runs],
            "experiments": [experiment_id for experiment_id, _ in experiments],
            "artifact_bytes": freed,
            "store_bytes": shrunk,
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
    session: Session, runs: list[tuple[str, str]], experiments: list[tuple[str, str]]
) -> tuple[int, list[str]]:
    freed, problems, registered = 0, [], _registered(session, runs)
    with progress("removing artifacts", total=len(runs) + len(experiments)) as advance:
        for owner, uri, is_run in _owners(runs, experiments):
            if uri in registered:
                problems.append(f"{uri} of {owner} stays: there are the files of {registered[uri]}")
                advance(1)
                continue
            try:
                store = session.artifacts(uri)
                held = sum(entry.file_size or 0 for entry in walk(store))
                if held and not is_run:
                    # The place of an experiment may have been chosen by the user, and hold more than runs.
                    problems.append(f"{uri} of {owner} still holds {size(held)} that belong to no run; left there")
                else:
                    store.delete()
                    freed += held
            except (StenoError, OSError) as error:
                problems.append(f"the artifacts of {owner} at {uri} were not removed: {error}")
            advance(1)
    return freed, problems


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


def _owners(runs: list[tuple[str, str]], experiments: list[tuple[str, str]]) -> Iterator[tuple[str, str, bool]]:
    yield from ((f"run {run_id}", uri, True) for run_id, uri in runs)
    yield from ((f"experiment {experiment_id}", uri, False) for experiment_id, uri in experiments)


def _file_size(uri: str) -> int:
    path = embedded_path(uri)
    if path is None:
        return 0
    files = [path, path.with_name(path.name + "-wal")]
    return sum(file.stat().st_size for file in files if file.exists())


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
