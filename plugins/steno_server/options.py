"""What a server is told as it starts."""

from __future__ import annotations

from msgspec import Struct

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 5000
BODY_BYTES = 64 * 2**20


class Options(Struct, frozen=True):
    """The options of `steno server`, in the words of its command line; made once, handed to each worker.

    Attributes:
        store_uri, registry_uri: Where runs and registered models are, absolute.
        host, port: Where it listens.
        workers: How many processes answer.
        artifact_root: Where new experiments keep artifacts; empty for below `artifacts_folder`, by way of the server.
        artifacts_folder: What clients know as `mlflow-artifacts:/`; empty for where the store keeps artifacts itself.
        serve_artifacts: Whether files come and go through the server.
        allowed_hosts: Names and addresses that requests may be sent to, besides those of this machine.
        allowed_origins: Web pages of other origins that may ask, as "https://host:port".
        read_only: Whether whatever would change something is refused.
        auth: How those who ask say who they are: "token", "basic", or "" for not at all.
        token_hash: SHA-256 of the token; the token itself stays out of what may be printed.
        users_file: Where the users are.
        static_prefix: The path below which it answers, as "/steno"; empty for none.
        ssl_certfile, ssl_keyfile: What it shows of itself where it speaks TLS, and the key to it; empty for no TLS.
        max_body_bytes: How long the JSON body of a request may be.
    """

    store_uri: str
    registry_uri: str
    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT
    workers: int = 1
    artifact_root: str = ""
    artifacts_folder: str = ""
    serve_artifacts: bool = True
    allowed_hosts: tuple[str, ...] = ()
    allowed_origins: tuple[str, ...] = ()
    read_only: bool = False
    auth: str = ""
    token_hash: bytes = b""
    users_file: str = ""
    static_prefix: str = ""
    ssl_certfile: str = ""
    ssl_keyfile: str = ""
    max_body_bytes: int = BODY_BYTES
