"""Moving in and out: `steno import` reads what other tools recorded, `steno export` writes what they read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steno.hookspecs import hookimpl
from steno.plugins.registers import ImporterRegister

if TYPE_CHECKING:
    import click


@hookimpl
def steno_register_importers(register: ImporterRegister) -> None:
    register("mlflow", "steno_transfer.mlflow:importer", description="mlflow.db, a folder mlruns, or a tracking server")
    register(
        "directory", "steno_transfer.exporting.reading:importer", description="what `steno export directory` wrote"
    )


@hookimpl
def steno_register_commands(cli: click.Group) -> None:
    from steno_transfer.commands import export, import_

    cli.add_command(import_)
    cli.add_command(export)
