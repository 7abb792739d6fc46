"""The way to S3: one client in a process for each way of asking, on a thread of its own."""

from __future__ import annotations

import io
import json
import os
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from msgspec import Struct
from s3fs import S3FileSystem
from steno import settings
from steno.errors import InvalidValue, StenoError

from steno_objects import failures
from steno_objects.loop import running, submitted
from steno_objects.retries import Patience, again

T = TypeVar("T")

AT_ONCE = 24
"""How many requests of a process are on their way at once: as many as there are connections."""
_CONNECT_S = 10.0

_lock = threading.Lock()
_opened: dict[tuple[int, _Ways], S3FileSystem] = {}


class _Ways(Struct, frozen=True):
    """How a store is asked, as the settings say; what they leave open is found as Amazon's own tools find it."""

    endpoint: str = ""
    ignore_tls: bool = False
    addressing_style: str = "auto"
    timeout_s: float = 30.0

    @classmethod
    def chosen(cls) -> _Ways:
        """Read them. Raises: InvalidValue."""
        found = settings.load(
            only=("s3_endpoint_url", "s3_ignore_tls", "s3_addressing_style", "http_timeout_s"),
        )
        endpoint = found.s3_endpoint_url or ""
        if endpoint and not endpoint.startswith(("http://", "https://")):
            raise InvalidValue("the endpoint of S3 is an address: set STENO_S3_ENDPOINT_URL=https://host:port")
        return cls(endpoint, found.s3_ignore_tls, found.s3_addressing_style, found.http_timeout_s)

    def open(self) -> S3FileSystem:
        """Return a new file system that asks so."""
        client = {"verify": False} if self.ignore_tls else {}
        config = {
            "connect_timeout": min(_CONNECT_S, self.timeout_s),
            "read_timeout": self.timeout_s,
            "max_pool_connections": AT_ONCE,
            "retries": {"total_max_attempts": 1},  # one loop tries again, which knows how long its caller can wait
            "s3": {"addressing_style": self.addressing_style},
            # Each object goes with its SHA-256. The further checksum that botocore adds comes in a form that not
            # every store that speaks S3 reads.
            "request_checksum_calculation": "when_required",
            "response_checksum_validation": "when_supported",
        }
        return S3FileSystem(
            endpoint_url=self.endpoint or None,
            client_kwargs=client,
            config_kwargs=config,
            use_listings_cache=False,
            asynchronous=True,
            loop=running(),
            skip_instance_cache=True,
        )


class Bucket:
    """One bucket, asked by any thread.

    Args:
        name: Its name.

    Attributes:
        upload_options: What each object is stored with besides, as `{"ServerSideEncryption": "AES256"}`.
        owner: `{"ExpectedBucketOwner": account}` where the settings name one.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._ways = _Ways.chosen()
        found = settings.load(only=("s3_upload_extra_args", "s3_expected_bucket_owner"))
        self.upload_options = _options(found.s3_upload_extra_args)
        owner = found.s3_expected_bucket_owner
        self.owner = {"ExpectedBucketOwner": owner} if owner else {}

    def ask(self, action: str, **told: Any) -> dict[str, Any]:
        """Return the answer to one request, made again while that may help. Raises: StenoError."""
        return self.run(lambda client: getattr(client, action)(**self._whole(told)))

    def send(self, action: str, body: bytes, **told: Any) -> dict[str, Any]:
        """Send bytes, again while that may help, and return the answer. Raises: StenoError."""
        return self.run(lambda client: self._sent(client, action, body, told))

    def begin(self, action: str, body: bytes, **told: Any) -> Future[dict[str, Any]]:
        """Send bytes, once, and return what the answer will be in; errors in it are botocore's."""

        async def begun() -> dict[str, Any]:
            return await self._sent(await self._system().set_session(), action, body, told)

        return submitted(begun())

    async def _sent(self, client: Any, action: str, body: bytes, told: dict[str, Any]) -> dict[str, Any]:
        # As a file, closed after: what botocore makes of a request refers to itself, and would hold on to the bytes
        # until they are collected as garbage.
        with io.BytesIO(body) as file:
            answer: dict[str, Any] = await getattr(client, action)(Body=file, **self._whole(told))
            return answer

    def run(self, asked: Callable[[Any], Awaitable[T]], waiting: Patience | None = None) -> T:
        """Return what a coroutine returns that is given the client, made again while that may help."""

        async def once() -> T:
            return await asked(await self._system().set_session())

        def attempt(left_s: float | None) -> T:
            future = submitted(once())
            try:
                return future.result(left_s)
            except StenoError:
                raise
            except Exception as error:  # advice: of a library; what is none of its errors goes on as it is
                future.cancel()
                raise self.told(error) from error
            except BaseException:
                future.cancel()
                raise

        return again(attempt, waiting)

    def told(self, error: Exception) -> StenoError:
        """Return what happened, in words."""
        return failures.told(error, self.name, self._ways.endpoint)

    def _whole(self, told: dict[str, Any]) -> dict[str, Any]:
        return {"Bucket": self.name, **self.owner, **told}

    def _system(self) -> S3FileSystem:
        known = (os.getpid(), self._ways)  # a forked child shares no connection with its parent
        with _lock:
            if known not in _opened:
                _opened[known] = self._ways.open()
            return _opened[known]


def _options(text: str | None) -> dict[str, Any]:
    try:
        found = json.loads(text or "{}")
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise InvalidValue(
            "the extra arguments of uploads are a JSON object: set "
            """STENO_S3_UPLOAD_EXTRA_ARGS='{"ServerSideEncryption": "AES256"}'"""
        )
    return found


def _reset_after_fork() -> None:
    """In a forked child: a lock that a parent's thread held would never be released here."""
    global _lock
    _lock = threading.Lock()
    _opened.clear()


os.register_at_fork(after_in_child=_reset_after_fork)
