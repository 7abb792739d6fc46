"""`steno runs export`: runs as a JSON list or a CSV table."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from steno.cli import lookup
from steno.cli.formats import iso_time, plain
from steno.cli.group import SharedOptions
from steno.cli.progress import progress
from steno.cli.session import Session

if TYPE_CHECKING:
    from steno.contracts.stores import RunStore
    from steno.records import Run

_INFO = ("run_id", "experiment_id", "status", "artifact_uri", "start_time", "end_time")


@click.command(cls=SharedOptions)
@click.argument("run", nargs=-1)
@click.option("--experiment", "-e", "experiments", multiple=True, help="Only this one; may be repeated.")
@click.option("--filter", "-f", "filter_string", help="Only the runs that this filter lets through.")
@click.option("--view", type=click.Choice(list(lookup.VIEWS)), default="active", show_default=True)
@click.option("--format", "form", type=click.Choice(["json", "csv"]), default="json", show_default=True)
@click.option("--history", is_flag=True, help="Every point of every metric too (JSON only).")
@click.option("--output", "-o", type=click.Path(dir_okay=False, path_type=Path), help="A file; default stdout.")
@click.pass_obj
def export(
    session: Session, /, run: Sequence[str], form: str, history: bool, output: Path | None, **selection: Any
) -> None:
    """Export RUNs, or all that the options select.

    CSV has the columns of `steno.search_runs`: run_id, experiment_id, status, artifact_uri, start_time and
    end_time, then metrics.*, params.* and tags.*; times are ISO 8601 in UTC.
    """
    if form == "csv" and (history or session.as_json):
        raise click.UsageError("CSV has a line a run and no room for that; use --format json")
    with progress("reading runs") as advance:
        if run:
            found = [lookup.find_run(session, name) for name in run]
        else:
            found = []
            for one in lookup.search_runs(session, **selection):
                found.append(one)
                advance(1)
    with progress("writing runs", total=len(found)) as advance, _opened(output) as file:
        if form == "csv":
            _write_csv(file, found)
        else:
            _write_json(file, (_whole(one, session.store if history else None) for one in found), advance)


def _write_json(file: TextIO, runs: Iterable[Any], advance: Any) -> None:
    file.write("[")
    for index, run in enumerate(runs):
        file.write(",\n" if index else "\n")
        json.dump(run, file, allow_nan=False)
        advance(1)
    file.write("\n]\n")


def _whole(run: Run, store: RunStore | None) -> Any:
    data = plain(run)
    if store is not None:
        series = {key: store.metric_history(run.info.run_id, key) for key in run.data.metrics}
        data["history"] = plain(
            {
                key: {"step": one.steps.tolist(), "timestamp": one.times.tolist(), "value": one.values.tolist()}
                for key, one in series.items()
            }
        )
    return data


def _write_csv(file: TextIO, runs: Sequence[Run]) -> None:
    # In order of first appearance, as search_runs has its columns.
    columns = dict.fromkeys(key for run in runs for key in _cells(run, "metrics"))
    columns |= dict.fromkeys(key for run in runs for key in _cells(run, "params"))
    columns |= dict.fromkeys(key for run in runs for key in _cells(run, "tags"))
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([*_INFO, *columns])
    for run in runs:
        held = {**_cells(run, "metrics"), **_cells(run, "params"), **_cells(run, "tags")}
        times = [iso_time(run.info.start_time), iso_time(run.info.end_time)]
        head = [getattr(run.info, name) for name in _INFO[:4]] + times
        writer.writerow([*head, *(held.get(column, "") for column in columns)])


def _cells(run: Run, section: str) -> dict[str, Any]:
    return {f"{section}.{key}": value for key, value in getattr(run.data, section).items()}


@contextmanager
def _opened(output: Path | None) -> Iterator[TextIO]:
    """The file, which appears whole or not at all; stdout without one."""
    if output is None:
        yield sys.stdout
        return
    part = output.with_name(output.name + ".part")
    try:
        with part.open("w", encoding="utf-8", newline="") as file:
            yield file
        part.replace(output)
    finally:
        part.unlink(missing_ok=True)
