"""Large files in parts: an upload that was cut off goes on where it stopped, in whatever process comes next.

What has arrived is asked of the bucket itself: its unfinished uploads, and the parts of each with size and checksum.
Nothing is kept on this machine, so that a process that was killed leaves nothing that could be wrong.
"""

from __future__ import annotations

import base64
import hashlib
import logging
import re
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec import Struct
from steno.errors import StenoError, StoreError, StoreUnavailable

from steno_objects.connections import Bucket
from steno_objects.content import Content
from steno_objects.retries import GoneMeanwhile

logger = logging.getLogger("steno.objects")

WHOLE_BYTES = 16 << 20
"""A file up to this long is sent in one piece: to send it again costs little."""
PART_BYTES = 8 << 20
MOST_PARTS = 10_000
AHEAD = 3
"""How many parts are on their way at once: they are what an upload holds in memory."""
GIVEN_UP = timedelta(days=7)
"""An upload to which nobody has come back for so long is removed."""
_TRIES = 3
_MD5 = re.compile("[0-9a-f]{32}")


class _Part(Struct, frozen=True):
    """One part that the bucket has."""

    number: int
    size_bytes: int
    tag: str
    checksum: str = ""

    def is_of(self, content: bytes) -> bool:
        """Whether it holds these bytes, as far as the bucket says what it holds."""
        if self.size_bytes != len(content):
            return False
        if self.checksum:
            return self.checksum == _checksum(content)
        return self.tag.strip('"') == hashlib.md5(content, usedforsecurity=False).hexdigest()

    def named(self) -> dict[str, Any]:
        """Return how it is named when the upload is put together."""
        known = {"ChecksumSHA256": self.checksum} if self.checksum else {}
        return {"PartNumber": self.number, "ETag": self.tag, **known}


def upload(bucket: Bucket, content: Content, about: dict[str, Any]) -> None:
    """Store a large file.

    Args:
        bucket: Where.
        content: What.
        about: The object's `Key`, `ContentType` and what else it is stored with.

    Raises:
        StoreUnavailable: It may work later, and will go on from what arrived.
        StoreError: It will not work; nothing that arrived is kept.
    """
    for remaining in reversed(range(_TRIES)):
        try:
            _Upload(bucket, content, about).run()
            break
        except GoneMeanwhile:  # someone else put it together, or gave it up
            if not remaining:
                raise
    give_up(bucket, about["Key"], is_folder=False, is_old=True)


def give_up(bucket: Bucket, prefix: str, *, is_folder: bool, is_old: bool = False) -> None:
    """Remove the unfinished uploads of an object, or of all below a folder; with `is_old` those left long ago."""
    for each in list(_unfinished(bucket, prefix)):
        if (is_folder or each["Key"] == prefix) and (not is_old or _was_left(each)):
            _abort(bucket, each)


class _Upload:
    """One try at one file."""

    def __init__(self, bucket: Bucket, content: Content, about: dict[str, Any]) -> None:
        self._bucket, self._content, self._about = bucket, content, about
        self._key = {"Key": about["Key"]}
        self._part_bytes = max(PART_BYTES, -(-content.size_bytes // MOST_PARTS))
        self._count = -(-content.size_bytes // self._part_bytes)

    def run(self) -> None:
        """Send what is missing, and put it together."""
        upload_id, arrived = self._continued()
        if not upload_id:
            answer = self._bucket.ask("create_multipart_upload", ChecksumAlgorithm="SHA256", **self._about)
            upload_id = answer["UploadId"]
        self._named = {**self._key, "UploadId": upload_id}
        try:
            self._send(arrived)
            self._complete([arrived[number] for number in range(1, self._count + 1)])
        except StoreUnavailable:
            raise
        except StoreError:
            _abort(self._bucket, self._named)
            raise

    def _complete(self, done: list[_Part]) -> None:
        try:
            named = {"Parts": [part.named() for part in done]}
            self._bucket.ask("complete_multipart_upload", MultipartUpload=named, **self._named)
        except StoreUnavailable:
            # It may have been put together all the same, and only the answer been lost: then it is gone as an upload.
            if not self._is_there(done):
                raise

    def _is_there(self, done: list[_Part]) -> bool:
        """Whether the object is the one that these parts make, as S3 tells it: by a digest of their digests."""
        tags = [part.tag.strip('"') for part in done]
        if not all(_MD5.fullmatch(tag) for tag in tags):
            return False
        whole = hashlib.md5(b"".join(map(bytes.fromhex, tags)), usedforsecurity=False).hexdigest()
        try:
            found = self._bucket.ask("head_object", **self._key)
        except StenoError:
            return False
        return str(found["ETag"]) == f'"{whole}-{len(done)}"'

    def _send(self, arrived: dict[int, _Part]) -> None:
        """Send the parts that have not arrived, a few at a time."""
        sent: deque[tuple[int, str, Future[Any]]] = deque()
        try:
            for number in range(1, self._count + 1):
                if number not in arrived:
                    body = self._body(number)
                    checksum = _checksum(body)
                    sent.append((number, checksum, self._begin(number, body, checksum)))
                    del body
                    if len(sent) == AHEAD:
                        self._take(sent.popleft(), arrived)
            while sent:
                self._take(sent.popleft(), arrived)
        finally:
            for _, _, future in sent:
                future.cancel()

    def _begin(self, number: int, body: bytes, checksum: str) -> Future[Any]:
        return self._bucket.begin("upload_part", body, PartNumber=number, ChecksumSHA256=checksum, **self._named)

    def _take(self, sent: tuple[int, str, Future[Any]], arrived: dict[int, _Part]) -> None:
        number, checksum, future = sent
        try:
            answer = future.result()
        except Exception as error:  # advice: botocore's, which are put into words
            told = self._bucket.told(error)
            if not isinstance(told, StoreUnavailable):
                raise told from error
            body = self._body(number)
            answer = self._bucket.send("upload_part", body, PartNumber=number, ChecksumSHA256=checksum, **self._named)
        echoed = answer.get("ChecksumSHA256", "")
        if echoed not in ("", checksum):
            raise StoreUnavailable(f"part {number} of {self._about['Key']!r} did not arrive as it was sent")
        arrived[number] = _Part(number, 0, answer["ETag"], echoed)

    def _body(self, number: int) -> bytes:
        return self._content.read((number - 1) * self._part_bytes, self._part_bytes)

    def _continued(self) -> tuple[str, dict[int, _Part]]:
        """Return the unfinished upload whose parts are all of this file, with them; "" and none if there is none."""
        found: tuple[str, dict[int, _Part]] = ("", {})
        for each in _unfinished(self._bucket, self._about["Key"]):
            if each["Key"] != self._about["Key"]:
                continue
            arrived = {part.number: part for part in self._parts(each["UploadId"])}
            # Of the parts of another's file, or of one that was cut otherwise, none is taken.
            if len(arrived) > len(found[1]) and all(self._has(part) for part in arrived.values()):
                found = each["UploadId"], arrived
        if found[0]:
            logger.info("%s goes on from %d of %d parts", self._about["Key"], len(found[1]), self._count)
        return found

    def _has(self, part: _Part) -> bool:
        return part.number <= self._count and part.is_of(self._body(part.number))

    def _parts(self, upload_id: str) -> Iterator[_Part]:
        ask: dict[str, Any] = {**self._key, "UploadId": upload_id}
        while True:
            page = _asked_if_may(self._bucket, "list_parts", ask)
            for each in page.get("Parts", ()):
                yield _Part(each["PartNumber"], each["Size"], each["ETag"], each.get("ChecksumSHA256", ""))
            if not page.get("IsTruncated"):
                return
            ask["PartNumberMarker"] = page["NextPartNumberMarker"]


def _unfinished(bucket: Bucket, prefix: str) -> Iterator[dict[str, Any]]:
    ask: dict[str, Any] = {"Prefix": prefix}
    while True:
        page = _asked_if_may(bucket, "list_multipart_uploads", ask)
        yield from page.get("Uploads", ())
        if not page.get("IsTruncated"):
            return
        ask |= {"KeyMarker": page["NextKeyMarker"], "UploadIdMarker": page["NextUploadIdMarker"]}


def _asked_if_may(bucket: Bucket, action: str, ask: dict[str, Any]) -> dict[str, Any]:
    """Return the answer, nothing where the store does not do that or does not let these credentials: then files are
    sent from their beginning."""
    try:
        return bucket.ask(action, **ask)
    except GoneMeanwhile:
        return {}
    except StoreUnavailable:
        raise
    except StoreError:
        return {}


def _was_left(upload: dict[str, Any]) -> bool:
    begun = upload.get("Initiated")
    return isinstance(begun, datetime) and datetime.now(UTC) - begun > GIVEN_UP


def _abort(bucket: Bucket, upload: dict[str, Any]) -> None:
    try:
        bucket.ask("abort_multipart_upload", Key=upload["Key"], UploadId=upload["UploadId"])
    except GoneMeanwhile:
        pass
    except StenoError as error:
        logger.warning("an unfinished upload of %s stays in s3://%s: %s", upload["Key"], bucket.name, error)


def _checksum(content: bytes) -> str:
    return base64.b64encode(hashlib.sha256(content).digest()).decode()
