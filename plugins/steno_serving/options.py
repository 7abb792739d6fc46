"""What a serving process is told as it starts."""

from __future__ import annotations

from msgspec import Struct

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 5000
BODY_BYTES = 100 * 2**20
TIMEOUT_S = 60.0


class Options(Struct, frozen=True):
    """The options of `steno models serve`; made once, handed to each worker.

    Attributes:
        folder: Where the model lies on this machine.
        name, version: What V2 clients call it.
        trusted: Types that loading may construct beyond its framework's own.
        host, port: Where it listens.
        workers: How many processes answer.
        threads: How many predictions a process makes at a time.
        timeout_s: How long a prediction may take.
        max_body_bytes: How long a request may be.
        max_batch_size: How many requests are predicted together at most; 1 for each alone.
        max_latency_ms: How long a request waits for others to be predicted with.
        allowed_hosts: Names and addresses that requests may be sent to, besides those of this machine.
    """

    folder: str
    name: str
    version: str = ""
    trusted: tuple[str, ...] = ()
    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT
    workers: int = 1
    threads: int = 1
    timeout_s: float = TIMEOUT_S
    max_body_bytes: int = BODY_BYTES
    max_batch_size: int = 1
    max_latency_ms: float = 5.0
    allowed_hosts: tuple[str, ...] = ()
