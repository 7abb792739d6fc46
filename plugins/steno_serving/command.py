"""`steno models serve` and `steno models predict`."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import Any

import click
from steno.asgi.listening import is_loopback
from steno.cli.ending import ended_in_order
from steno.cli.formats import words
from steno.cli.group import SharedOptions
from steno.cli.models.environments import TRUSTED
from steno.cli.models.reference import pairs

from steno_serving.environments import BROUGHT, ENV_MANAGER, folder_of, go_on_elsewhere
from steno_serving.options import BODY_BYTES, DEFAULT_HOST, DEFAULT_PORT, TIMEOUT_S, Options

_KINDS = ("json", "csv", "parquet")
_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command(cls=SharedOptions)
@click.option("--model-uri", "-m", metavar="URI", required=True, help="models:/name/1, models:/name@alias, runs:/…")
@click.option("--host", "-h", default=DEFAULT_HOST, show_default=True, help="The address to listen on.")
@click.option("--port", "-p", default=DEFAULT_PORT, show_default=True, type=click.IntRange(0, 65535))
@click.option("--workers", "-w", default=1, show_default=True, type=click.IntRange(1, 64), help="How many processes.")
@click.option(
    "--threads", default=1, show_default=True, type=click.IntRange(1, 64), help="Predictions at a time in a process."
)
@click.option(
    "--timeout",
    "-t",
    default=TIMEOUT_S,
    show_default=True,
    type=click.FloatRange(0.001),
    help="Seconds a prediction has.",
)
@click.option("--max-body-bytes", default=BODY_BYTES, show_default=True, type=click.IntRange(1024))
@click.option(
    "--max-batch-size",
    default=1,
    show_default=True,
    type=click.IntRange(1),
    help="How many requests that come together are predicted together.",
)
@click.option(
    "--max-latency-ms",
    default=5.0,
    show_default=True,
    type=click.FloatRange(0),
    help="How long a request waits for others.",
)
@click.option("--name", metavar="NAME", help="What V2 clients call the model. Default: its registered name, or model.")
@TRUSTED
@click.option(
    "--allowed-hosts", metavar="NAMES", default="", help="Host names that clients may use, by commas; * for any."
)
@click.option("--version", metavar="NUMBER", hidden=True, help="What V2 clients call its version.")
@ENV_MANAGER
@BROUGHT
@click.pass_context
def serve(context: click.Context, /, model_uri: str, env_manager: str, brought: bool, **given: Any) -> None:
    """Serve a model over HTTP.

    POST /invocations takes what MLflow's scoring server takes, /v2 the Open Inference Protocol.
    """
    options = _options(folder_of(context.obj, model_uri, is_brought=brought), model_uri, given)
    names = {"model_uri": model_uri, "name": options.name, "version": options.version}
    go_on_elsewhere(context, Path(options.folder), env_manager, {**given, **names})
    from steno.asgi.running import run
    from steno.models import load_pyfunc

    from steno_serving.app import build

    load_pyfunc(options.folder, trusted=options.trusted)  # what is wrong is told here, in a sentence
    place = f"{options.host}:{options.port}"
    if not is_loopback(options.host):
        click.echo(f"Whoever reaches {place} may ask this model.", err=True)
    click.echo(f"{model_uri} is served at http://{place}/invocations", err=True)
    with ended_in_order():  # what was brought here goes with this process
        run(
            partial(build, options),
            options.host,
            options.port,
            workers=options.workers,
            stop_s=int(options.timeout_s) + 1,
        )


@click.command(cls=SharedOptions)
@click.option("--model-uri", "-m", metavar="URI", required=True, help="models:/name/1, models:/name@alias, runs:/…")
@click.option("--input-path", "-i", type=_FILE, help="What to predict on. Default: standard input.")
@click.option("--output-path", "-o", type=_FILE, help="Where the predictions go. Default: standard output.")
@click.option(
    "--content-type", "-t", type=click.Choice(_KINDS), help="What the input is. Default: by its name, else json."
)
@click.option("--output-type", type=click.Choice(_KINDS), help="What the output is. Default: by its name, else json.")
@TRUSTED
@ENV_MANAGER
@click.option(
    "--pip-requirements-override",
    "-r",
    "override",
    metavar="LINES",
    default="",
    help="Requirements, by commas, in place of the model's of the same packages.",
)
@click.option(
    "--env", "variables", metavar="KEY=VALUE", multiple=True, help="A variable to predict with; may be repeated."
)
@BROUGHT
@click.pass_context
def predict(
    context: click.Context,
    /,
    model_uri: str,
    trusted: tuple[str, ...],
    env_manager: str,
    override: str,
    variables: tuple[str, ...],
    brought: bool,
    **given: Any,
) -> None:
    """Predict on a file.

    JSON is as the scoring protocol has it; tables in CSV and Parquet are read, predicted and written some rows at a
    time.
    """
    folder = folder_of(context.obj, model_uri, is_brought=brought)
    values = {"model_uri": model_uri, "trusted": trusted, **given}
    lines, added = [each.strip() for each in words(override)], pairs(variables)
    go_on_elsewhere(context, folder, env_manager, values, override=lines, added=added)
    from steno.models import load_pyfunc

    from steno_serving.predicting import predict_file

    model = load_pyfunc(folder, trusted=trusted)
    predict_file(model, **given)


def _options(folder: Path, model_uri: str, given: dict[str, Any]) -> Options:
    name, version = named(model_uri)
    return Options(
        folder=str(folder),
        name=given["name"] or name,
        version=given["version"] or version,
        trusted=tuple(given["trusted"]),
        host=given["host"],
        port=given["port"],
        workers=given["workers"],
        threads=given["threads"],
        timeout_s=given["timeout"],
        max_body_bytes=given["max_body_bytes"],
        max_batch_size=given["max_batch_size"],
        max_latency_ms=given["max_latency_ms"],
        allowed_hosts=words(given["allowed_hosts"]),
    )


def named(model_uri: str) -> tuple[str, str]:
    """Return what V2 clients call a model: a registered one by its own name and version."""
    found = re.fullmatch(r"models:/(?P<name>[^/@]+)(/(?P<version>\d+))?.*", model_uri)
    return (found["name"], found["version"] or "") if found else ("model", "")
