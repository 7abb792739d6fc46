"""`steno export directory`, `parquet` and `jsonl`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click
from steno.cli.formats import size
from steno.cli.group import SharedOptions
from steno.cli.progress import progress
from steno.cli.session import Session
from steno.errors import MissingDependency

from steno_transfer.exporting.target import About

_HELP = {
    "directory": """Write everything to a folder from which `steno import directory` reads it back.

    Tables as JSON lines, the files of runs and logged models, and a manifest with the SHA-256 of each file.
    """,
    "parquet": """Write tables as Parquet, each table a folder of part files, for pandas, Spark, DuckDB.""",
    "jsonl": """Write tables as JSON lines, each table a folder of part files; NaN and the infinities are texts.""",
}
_COMMON = """
    The tables are experiments, runs, params, tags, metrics (every point), inputs, run_models, models, registered_models
    and model_versions. An export that was interrupted goes on when the same command is given again.
"""


def _command(name: str) -> click.Command:
    @click.command(name, cls=SharedOptions, help=f"{_HELP[name]}\n\n{_COMMON}")
    @click.option("--to", "folder", required=True, type=click.Path(file_okay=False, path_type=Path), metavar="FOLDER")
    @click.option("--experiment", "-e", "experiments", multiple=True, help="Only this one; may be repeated.")
    @click.option("--filter", "-f", "filter_string", default="", help="Only the runs that this filter lets through.")
    @click.option("--no-deleted", is_flag=True, help="Leave out what is marked deleted.")
    @click.option("--no-artifacts", is_flag=True, hidden=name != "directory", help="Leave files where they are.")
    @click.pass_obj
    def command(
        session: Session,
        folder: Path,
        experiments: tuple[str, ...],
        filter_string: str,
        no_deleted: bool,
        no_artifacts: bool,
    ) -> None:
        view, artifacts = "active" if no_deleted else "all", name == "directory" and not no_artifacts
        _export(session, folder, About(session.uri, name, sorted(experiments), filter_string, view, artifacts))

    return command


def _export(session: Session, folder: Path, about: About) -> None:
    from steno_transfer.exporting.exporter import Exporter
    from steno_transfer.exporting.selection import Selection
    from steno_transfer.exporting.target import Target

    make_writer = _writer(about.tables)
    selection = Selection(session, about)  # before the folder is made: what is not there leaves none
    store, target = session.store, Target(folder, about)
    exporter = Exporter(store, target, make_writer)
    with progress("exporting runs", total=len(selection.run_ids) + len(selection.models)) as advance:
        for run_id in selection.run_ids:
            exporter.run(run_id)
            advance(1)
        for model_id in selection.models:
            exporter.model(store.get_logged_model(model_id))
            advance(1)
    exporter.finish(selection.experiments.values(), selection.registrations())
    _tell(session, folder, dict(exporter.written), exporter.left)


def _writer(tables: str) -> Any:
    if tables != "parquet":
        from steno_transfer.exporting.json_lines import JsonLines

        return JsonLines
    try:
        from steno_transfer.exporting.parquet import Parquet
    except ImportError as error:
        raise MissingDependency("an export to Parquet", "'steno[parquet]'") from error
    return Parquet


def _tell(session: Session, folder: Path, written: dict[str, int], left: list[str]) -> None:
    if session.as_json:
        session.emit_json({"folder": str(folder), "written": written, "left": left})
    else:
        amounts = [f"{count:,} {name.replace('_', ' ')}" for name, count in written.items() if name != "artifact_bytes"]
        of = f" ({size(written['artifact_bytes'])})" if "artifact_bytes" in written else ""
        sys.stdout.write(f"exported to {folder}: {', '.join(amounts)}{of}\n")
        for each in left:
            sys.stderr.write(f"not exported: {each}\n")
    if left:
        raise SystemExit(1)


COMMANDS = [_command(name) for name in _HELP]
"""What `steno export` has besides `mlflow`."""
