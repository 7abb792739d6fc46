"""Identical files lie once: a second put of the same bytes becomes a hard link to the first.

What is kept beside the artifacts is an index alone: for each SHA-256 the paths under which such bytes were put. It
holds no copy of its own, so a file's room is free as soon as its last path is removed, by whatever means, and nothing
has to be swept up for that. A path in the index is only a hint: what is linked is read through and compared first.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

from msgspec import Struct

SMALLEST_BYTES = 64 << 10
"""Below this, the entry in the index would take as much room as it saves."""
INDEX = ".steno-same"
_MOST_PATHS = 32
_CHUNK_BYTES = 1 << 20
_READ_ONLY = 0o444
_RUN = re.compile(r"[0-9a-f]{32}")
_MODEL = re.compile(r"m-[0-9a-f]{32}")


class Sharing(Struct, frozen=True):
    """What lies once for several paths: `files` of them, with `links` paths, saving `saved_bytes`."""

    files: int = 0
    links: int = 0
    saved_bytes: int = 0


class Index:
    """Which bytes lie where below one folder, for all the artifact roots in it. Safe between threads and processes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def of(cls, root: Path) -> Index:
        """Return the index that an artifact root shares with those beside it.

        Runs have theirs at `<experiment>/<run id>/artifacts`, logged models at `<experiment>/models/<id>/artifacts`,
        and experiments theirs, unless told otherwise, at `artifacts/<number>`; any other folder is for itself.
        """
        folder, owner = root, root.parent
        if root.name == "artifacts" and _RUN.fullmatch(owner.name):
            folder = owner.parent
        elif root.name == "artifacts" and _MODEL.fullmatch(owner.name) and owner.parent.name == "models":
            folder = owner.parent.parent
        if folder.name.isdecimal() and folder.parent.name == "artifacts":
            folder = folder.parent
        return cls(folder)

    def link(self, digest: str, place: Path) -> bool:
        """Make `place`, which does not exist, a link to a file with these bytes; False if there is none to be had."""
        for known in reversed(self._paths(digest)):
            try:
                # A path was written by whoever can write here; and a link of a link would not be the file.
                if not _is_inside(known, self.folder) or not stat.S_ISREG(known.lstat().st_mode):
                    continue
                os.link(known, place, follow_symlinks=False)
                if sha256(place) == digest:  # judged behind the link: `known` may be another file by now
                    place.chmod(_READ_ONLY)  # a change made in place would reach every path
                    return True
            except (OSError, NotImplementedError):  # gone, no links on this file system, or too many of them
                pass
            place.unlink(missing_ok=True)
        return False

    def remember(self, digest: str, place: Path) -> None:
        """Note that these bytes lie at `place`. Where that cannot be noted, a later put is a copy."""
        with contextlib.suppress(OSError):
            entry = self._entry(digest)
            entry.parent.mkdir(parents=True, exist_ok=True)
            lines = [str(path.relative_to(self.folder)) for path in self._paths(digest)]
            line = str(place.relative_to(self.folder))
            if "\n" in line:
                return
            kept = [*(each for each in lines if each != line), line][-_MOST_PATHS:]
            _replace(entry, "".join(f"{each}\n" for each in kept).encode("utf-8", "surrogateescape"))

    def tidy(self) -> Sharing:
        """Forget what is gone, and return what is shared."""
        files = links = saved = 0
        for entry in sorted((self.folder / INDEX).glob("??/*")):
            found = list(self._there(entry))
            if not found:
                with contextlib.suppress(OSError):
                    entry.unlink()
                continue
            for about in {each.st_ino: each for each in found}.values():
                if about.st_nlink > 1:
                    files, links = files + 1, links + about.st_nlink
                    saved += about.st_size * (about.st_nlink - 1)
        return Sharing(files, links, saved)

    def _there(self, entry: Path) -> Iterator[os.stat_result]:
        for path in self._paths(entry.name):
            with contextlib.suppress(OSError):
                yield path.lstat()

    def _entry(self, digest: str) -> Path:
        return self.folder / INDEX / digest[:2] / digest

    def _paths(self, digest: str) -> list[Path]:
        try:
            text = self._entry(digest).read_bytes().decode("utf-8", "surrogateescape")
        except OSError:
            return []
        return [self.folder / line for line in text.splitlines() if line][-_MOST_PATHS:]


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file, read piece by piece. Raises: OSError."""
    digest = hashlib.sha256()
    with path.open("rb", buffering=0) as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def _replace(entry: Path, content: bytes) -> None:
    part = entry.with_name(f".{uuid4().hex}")
    try:
        part.write_bytes(content)
        part.replace(entry)
    finally:
        part.unlink(missing_ok=True)


def _is_inside(path: Path, folder: Path) -> bool:
    return Path(os.path.realpath(path.parent)).is_relative_to(os.path.realpath(folder))
