"""`steno plot`: draws what a run keeps as data."""

from __future__ import annotations

import json
from pathlib import Path

import click
from steno.cli.group import SharedOptions
from steno.cli.lookup import find_run
from steno.cli.progress import progress
from steno.cli.session import Session
from steno.errors import InvalidValue
from steno.tracking import places


@click.command(cls=SharedOptions)
@click.argument("run")
@click.option("--output", "-o", type=click.Path(path_type=Path), default=Path(), help="The folder for the pictures.")
@click.pass_obj
def plot(session: Session, run: str, output: Path) -> None:
    """Draw a run's curves, matrix and importances.

    Each of them that RUN has kept becomes a PNG file.
    """
    from steno_sklearn.plots import PICTURES, draw

    store = places.artifact_store(find_run(session, run).info.artifact_uri)
    kept = sorted(PICTURES.keys() & {entry.path for entry in store.list()})
    if not kept:
        raise InvalidValue(f"run {run!r} has nothing to draw: none of {', '.join(sorted(PICTURES))}")
    output.mkdir(parents=True, exist_ok=True)
    drawn = []
    with progress("drawing"):
        for path in kept:
            with store.open(path) as file:
                picture = draw(path, json.load(file))
            place = output / Path(path).with_suffix(".png").name
            place.write_bytes(picture)
            drawn.append(str(place))
    session.say("\n".join(drawn), {"pictures": drawn})
