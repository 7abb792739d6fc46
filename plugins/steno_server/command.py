"""`steno server`."""

from __future__ import annotations

import hashlib
import re
import secrets
from pathlib import Path
from typing import Any

import click
from steno.asgi.listening import is_loopback
from steno.cli.formats import words
from steno.cli.group import SharedOptions
from steno.cli.session import Session
from steno.errors import InvalidValue, MissingDependency

from steno_server.options import BODY_BYTES, DEFAULT_HOST, DEFAULT_PORT, Options
from steno_server.user_commands import beside_store
from steno_server.users import FILE, read, write_secret

TOKEN_FILE = "server-token"
TOKEN_LENGTH = 16


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
    metavar="FOLDER|URI",
    default="",
    help="What clients know as mlflow-artifacts:/, as s3://bucket/folder. Default: where the store keeps artifacts.",
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
@click.option(
    "--auth",
    type=click.Choice(["none", "token", "basic"]),
    default="none",
    show_default=True,
    help="How clients say who they are: by one token, or by users' names and passwords (see server-users).",
)
@click.option(
    "--auth-token",
    metavar="TOKEN",
    default="",
    envvar="STENO_SERVER_TOKEN",
    show_envvar=True,
    help="The token. Set it by the variable: others on this machine see command lines.",
)
@click.option(
    "--auth-token-file",
    metavar="FILE",
    default="",
    help="Where the token is; one is made and shown once if it is not there. Default: beside the store.",
)
@click.option("--users-file", metavar="FILE", default="", help="Where the users are. Default: beside the store.")
@click.option(
    "--static-prefix", metavar="PATH", default="", help="Answer below this path, as /steno, behind a proxy with others."
)
@click.option(
    "--ssl-certfile", metavar="FILE", default="", help="Speak TLS, and show this certificate (PEM, with its chain)."
)
@click.option("--ssl-keyfile", metavar="FILE", default="", help="Its key. Default: in the certificate's file.")
@click.option("--read-only", is_flag=True, help="Refuse whatever would change something.")
@click.option("--max-body-bytes", default=BODY_BYTES, show_default=True, type=click.IntRange(1024))
@click.pass_obj
def server(session: Session, /, **given: Any) -> None:
    """Serve the store over HTTP, to MLflow's clients too."""
    options = _options(session, given)
    try:
        from steno_server.serve import serve
    except ImportError as error:
        raise MissingDependency(f"steno server ({error.name})", "'steno[server]'") from error
    if not is_loopback(options.host):
        place = f"{options.host}:{options.port}"
        if options.auth and options.ssl_certfile:
            told = ""
        elif options.auth:
            told = (
                f"What is sent to {place} is not encrypted, tokens and passwords too: --ssl-certfile, or a proxy with "
                "TLS before it, encrypts."
            )
        else:
            told = f"Whoever reaches {place} may read and change everything: --auth asks who."
        if told:
            click.echo(told, err=True)
    scheme = "https" if options.ssl_certfile else "http"
    click.echo(
        f"{options.store_uri} is served at {scheme}://{options.host}:{options.port}{options.static_prefix}", err=True
    )
    serve(options)


def _options(session: Session, given: dict[str, Any]) -> Options:
    from steno.tracking import places

    backend = given["backend_store_uri"]
    store_uri = places.absolute_uri(backend) if backend else session.uri
    registry = given["registry_store_uri"]
    auth = "" if given["auth"] == "none" else given["auth"]
    return Options(
        store_uri=store_uri,
        registry_uri=places.absolute_uri(registry) if registry else places.registry_uri_beside(store_uri),
        host=given["host"],
        port=given["port"],
        workers=given["workers"],
        artifact_root=given["default_artifact_root"],
        artifacts_folder=given["artifacts_destination"],
        serve_artifacts=given["serve_artifacts"],
        allowed_hosts=words(given["allowed_hosts"]),
        allowed_origins=words(given["cors_allowed_origins"]),
        read_only=given["read_only"],
        auth=auth,
        token_hash=hashlib.sha256(_token(given, store_uri).encode()).digest() if auth == "token" else b"",
        users_file=str(_users_file(given, store_uri)) if auth == "basic" else "",
        static_prefix=_prefix(given["static_prefix"]),
        ssl_certfile=_certificate(given),
        ssl_keyfile=given["ssl_keyfile"],
        max_body_bytes=given["max_body_bytes"],
    )


def _token(given: dict[str, Any], store_uri: str) -> str:
    """Return the token, made and shown now if there is none yet. Raises: InvalidValue."""
    token: str = given["auth_token"].strip()
    if not token:
        path = beside_store(given["auth_token_file"], store_uri, TOKEN_FILE)
        if path.exists():
            token = path.read_text("utf-8").strip()
        else:
            token = secrets.token_urlsafe(32)
            write_secret(path, f"{token}\n".encode())
            click.echo(f"The token of this server, shown this once and kept in {path}:\n{token}", err=True)
    if len(token) < TOKEN_LENGTH or not token.isascii() or not token.isprintable() or " " in token:
        raise InvalidValue(f"the server's token has at least {TOKEN_LENGTH} characters of ASCII, none of them a space")
    return token


def _users_file(given: dict[str, Any], store_uri: str) -> Path:
    """Return the file of users. Raises: InvalidValue if it cannot be read."""
    path = beside_store(given["users_file"], store_uri, FILE)
    if not read(path):
        click.echo(f"Nobody may ask yet: {path} has no users; `steno server-users add NAME` adds one.", err=True)
    return path


def _certificate(given: dict[str, Any]) -> str:
    """Return the file of the certificate, which was tried with its key. Raises: InvalidValue."""
    import ssl

    certificate: str = given["ssl_certfile"]
    key = given["ssl_keyfile"]
    if not certificate:
        if key:
            raise InvalidValue("--ssl-keyfile is the key to a certificate: name that with --ssl-certfile")
        return ""
    try:
        # A key that is locked by a password is not asked for: nobody answers where servers start.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key or None, lambda: "")
    except (OSError, ssl.SSLError) as error:
        told = f"the certificate in {certificate} cannot be used with the key in {key or certificate}: {error}"
        raise InvalidValue(f"{told}; both are PEM files, the key without a password") from error
    return certificate


def _prefix(path: str) -> str:
    """Return a path that the server may stand below. Raises: InvalidValue."""
    if path and not re.fullmatch(r"(/[A-Za-z0-9._~-]+)+", path):
        raise InvalidValue(f"--static-prefix {path!r} is no path such as /steno: it begins with / and does not end so")
    return path
