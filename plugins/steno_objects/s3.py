"""Objects in S3, and in whatever else speaks its language."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from typing import Any, BinaryIO

from msgspec import Struct
from steno.errors import InvalidValue, StoreError, StoreUnavailable
from steno.records import FileInfo

from steno_objects import parts
from steno_objects.connections import Bucket
from steno_objects.content import Content
from steno_objects.failures import code_of
from steno_objects.parts import WHOLE_BYTES
from steno_objects.retries import Patience
from steno_objects.store import ObjectStore

_PIECE_BYTES = 1 << 20
_AT_ONCE = 1000
"""How many objects one answer lists, and one request deletes: the most that S3 does."""


def s3_store(uri: str) -> S3Store:
    """Return the store of an `s3:` address. Raises: InvalidValue."""
    return S3Store(uri)


class Tidied(Struct, frozen=True):
    """What `tidy` has to tell: no file here is stored once for several paths."""

    files: int = 0
    links: int = 0
    saved_bytes: int = 0


class S3Store(ObjectStore):
    """An `ObjectStore` in which uploads may have been left unfinished, which `steno gc` removes."""

    def __init__(self, uri: str) -> None:
        self._in_bucket = S3Objects(uri)
        super().__init__(uri, self._in_bucket)

    @property
    def shares(self) -> str:
        """What is tidied as one: all below this address."""
        return self.uri

    def tidy(self) -> Tidied:
        """Give up the uploads to which nobody has come back for long."""
        self._in_bucket.tidy()
        return Tidied()


class S3Objects:
    """`steno_objects.store.Objects` below a prefix of a bucket.

    Args:
        uri: `s3://bucket/prefix`. The prefix is taken as it stands: nothing in it is decoded.

    Raises:
        InvalidValue: It names no bucket.
    """

    def __init__(self, uri: str) -> None:
        _, _, rest = uri.partition("://")
        name, _, prefix = rest.partition("/")
        if not name or "@" in name or ":" in name:
            raise InvalidValue(
                "an address in S3 is s3://bucket/folder, without credentials: set AWS_ACCESS_KEY_ID and "
                "AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
            )
        self._bucket = Bucket(name)
        self._root = prefix.strip("/")

    def write(self, key: str, content: Content, kind: str) -> None:
        more = {**self._bucket.upload_options, "Key": self._path(key), "ContentType": kind}
        if content.size_bytes > WHOLE_BYTES:
            parts.upload(self._bucket, content, more)
            return
        body = content.read()
        checksum = base64.b64encode(hashlib.sha256(body).digest()).decode()
        answer = self._bucket.send("put_object", body, ChecksumAlgorithm="SHA256", ChecksumSHA256=checksum, **more)
        if answer.get("ChecksumSHA256", checksum) != checksum:
            raise StoreUnavailable(f"s3://{self._bucket.name}/{more['Key']} is not what was sent; send it again")

    def read(self, key: str, into: BinaryIO) -> None:
        path, begun, waiting = self._path(key), _Begun(), Patience()

        async def fetch(client: Any) -> None:
            into.seek(begun.bytes)
            into.truncate()
            try:
                answer = await client.get_object(Bucket=self._bucket.name, Key=path, **self._bucket.owner, **begun.rest)
            except Exception as error:
                if code_of(error) in ("PreconditionFailed", "412", "InvalidRange", "416"):
                    begun.bytes, begun.tag = 0, ""  # another object is there now: from its beginning
                    raise StoreUnavailable(f"s3://{self._bucket.name}/{path} was replaced while it was read") from error
                raise
            begun.tag = answer["ETag"]
            whole = begun.bytes + answer["ContentLength"]
            async with answer["Body"] as body:
                while piece := await body.read(_PIECE_BYTES):
                    into.write(piece)
                    begun.bytes += len(piece)
                    waiting.renewed()
            if begun.bytes != whole:
                raise StoreUnavailable(
                    f"s3://{self._bucket.name}/{path} broke off after {begun.bytes} of {whole} bytes"
                )

        self._bucket.run(fetch, waiting)

    def children(self, key: str) -> list[FileInfo]:
        inside = f"{key}/" if key else ""
        before = len(self._path(inside)) - len(inside)
        found = []
        for page in self._pages(self._path(inside), Delimiter="/"):
            found += [FileInfo(each["Prefix"][before:-1], True) for each in page.get("CommonPrefixes", ())]
            found += [FileInfo(each["Key"][before:], False, each["Size"]) for each in page.get("Contents", ())]
        return found

    def remove(self, key: str) -> None:
        inside = self._path(f"{key}/" if key else "")
        if key:
            self._bucket.ask("delete_object", Key=self._path(key))
            parts.give_up(self._bucket, self._path(key), is_folder=False)
        parts.give_up(self._bucket, inside, is_folder=True)
        for page in self._pages(inside):
            doomed = [{"Key": each["Key"]} for each in page.get("Contents", ())]
            if doomed:
                answer = self._bucket.ask("delete_objects", Delete={"Objects": doomed, "Quiet": True})
                self._check_deleted(answer)

    def tidy(self) -> None:
        """Give up what was begun below the root and left long ago."""
        parts.give_up(self._bucket, self._path(""), is_folder=True, is_old=True)

    def _check_deleted(self, answer: dict[str, Any]) -> None:
        failed = answer.get("Errors", [])
        if failed:
            first = failed[0]
            raise StoreError(
                f"s3://{self._bucket.name} did not delete {len(failed)} objects, the first {first.get('Key')!r} "
                f"({first.get('Code')}): give these credentials the permission, or use others"
            )

    def _pages(self, prefix: str, **more: Any) -> Iterator[dict[str, Any]]:
        """Yield what lies below a prefix, at most a thousand entries at a time."""
        ask = {"Prefix": prefix, "MaxKeys": _AT_ONCE, **more}
        while True:
            page = self._bucket.ask("list_objects_v2", **ask)
            yield page
            if not page.get("IsTruncated"):
                return
            ask["ContinuationToken"] = page["NextContinuationToken"]

    def _path(self, key: str) -> str:
        return f"{self._root}/{key}" if self._root else key


class _Begun:
    """How much of an object has come, and of which."""

    def __init__(self) -> None:
        self.bytes, self.tag = 0, ""

    @property
    def rest(self) -> dict[str, str]:
        """What asks for the rest of that object, and of no other."""
        return {"Range": f"bytes={self.bytes}-", "IfMatch": self.tag} if self.bytes else {}
