"""`steno server`."""

from __future__ import annotations

from typing import Any

import click
from steno.cli.group import SharedOptions
from steno.cli.session import Session
from steno.errors import MissingDependency

from steno_server.options import BODY_BYTES, DEFAULT_HOST, DEFAULT_PORT, Options


@click.command(cls=SharedOptions)
@click.option("--host", "-h", default=DEFAULT_HOST, show_default=True, help="The address to listen on.")
@click.option("--port", "-p", default=DEFAULT_PORT, show_default=True, type=click.IntRange(0, 65535))
@click.option("--workers", "-w", default=1, show_default=True, type=click.IntRange(1, 64), help="How many processes.")
@click.option("--backend-store-uri", metavar="URI", help="Where the runs are; as --tracking-uri.")
@click.option("--registry-store-uri", metavar="URI", help="Where registered models are. Default: with the runs.")
@click.option(
    "--default-artifact-root",
    metavar="URI",
    default="",
    help="Where new experiments keep their artifacts. Default: clients send them to this server.",
)
@click.option(
    "--artifacts-destination",
    metavar="FOLDER",
    default="",
    help="The folder that clients know as mlflow-artifacts:/. Default: where the store keeps its artifacts.",
)
@click.option(
    "--serve-artifacts/--no-serve-artifacts", default=True, help="Whether files pass through the server. Default: yes."
)
@click.option(
    "--allowed-hosts", metavar="NAMES", default="", help="Host names that clients may use, by commas; * for any."
)
@click.option(
    "--cors-allowed-origins", metavar="ORIGINS", default="", help="Pages of other origins that may ask, by commas."
)
@click.option("--read-only", is_flag=True, help="Refuse whatever would change something.")
@click.option("--max-body-bytes", default=BODY_BYTES, show_default=True, type=click.IntRange(1024))
@click.pass_obj
def server(session: Session, /, **given: Any) -> None:
    """Serve the store to MLflow's clients, and to steno's, over HTTP."""
    options = _options(session, given)
    try:
        from steno_server.serve import serve
    except ImportError as error:
        raise MissingDependency(f"steno server ({error.name})", "'steno[server]'") from error
    if not _is_loopback(options.host):
        click.echo(f"Whoever reaches {options.host}:{options.port} may read and change everything.", err=True)
    click.echo(f"{options.store_uri} is served at http://{options.host}:{options.port}", err=True)
    serve(options)


def _options(session: Session, given: dict[str, Any]) -> Options:
    from steno.tracking import places

    backend = given["backend_store_uri"]
    store_uri = places.absolute_uri(backend) if backend else session.uri
    registry = given["registry_store_uri"]
    return Options(
        store_uri=store_uri,
        registry_uri=places.absolute_uri(registry) if registry else places.registry_uri_beside(store_uri),
        host=given["host"],
        port=given["port"],
        workers=given["workers"],
        artifact_root=given["default_artifact_root"],
        artifacts_folder=given["artifacts_destination"],
        serve_artifacts=given["serve_artifacts"],
        allowed_hosts=_words(given["allowed_hosts"]),
        allowed_origins=_words(given["cors_allowed_origins"]),
        read_only=given["read_only"],
        max_body_bytes=given["max_body_bytes"],
    )


def _is_loopback(host: str) -> bool:
    import ipaddress

    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())
