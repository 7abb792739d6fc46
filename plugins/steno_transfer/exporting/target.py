"""The folder of an export: parts that are whole or not there, what is done so far, and at the end a manifest.

Each part is told in `progress.jsonl` once all its files are written, with their SHA-256. What an interrupted export
wrote beyond that is written again. The last thing is `manifest.json`, without which an export is not complete.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import msgspec
from steno.errors import AlreadyExists, InvalidValue

MANIFEST = "manifest.json"
PROGRESS = "progress.jsonl"
FORMAT = "steno-export"
VERSION = 1


class About(msgspec.Struct, frozen=True):
    """What an export is of; one that goes on must be of the same."""

    source: str
    tables: str
    experiments: list[str] = []
    filter: str = ""
    view: str = "all"
    artifacts: bool = False
    format: str = FORMAT
    version: int = VERSION


class File(msgspec.Struct, frozen=True):
    """One file of an export, its path with "/" below the folder."""

    path: str
    size: int
    sha256: str


class Part(msgspec.Struct, frozen=True):
    """What one part holds.

    Attributes:
        done: The ids of runs, experiments and models that are in it, with what they are: "run 3f…".
        left: What could not be written, a sentence each.
    """

    name: str
    done: list[str] = []
    files: list[File] = []
    left: list[str] = []


class Manifest(msgspec.Struct, frozen=True):
    """All that an export holds."""

    about: About
    parts: list[Part]


class Target:
    """A folder that is being written.

    Args:
        folder: Made if it is missing.
        about: What is exported.

    Attributes:
        done: What earlier calls have written already.
        parts: The parts so far.

    Raises:
        AlreadyExists: There is a complete export in it.
        InvalidValue: There is something else in it, or an export of something else that was interrupted.
    """

    def __init__(self, folder: Path, about: About) -> None:
        self.folder, self.about = folder, about
        self.parts: list[Part] = []
        folder.mkdir(parents=True, exist_ok=True)
        if (folder / MANIFEST).exists():
            raise AlreadyExists(f"{folder} holds a complete export already; name another folder, or remove it")
        if (folder / PROGRESS).exists():
            self._go_on()
        elif any(folder.iterdir()):
            raise InvalidValue(f"{folder} is not empty and holds no export; name another folder")
        if not self.parts:
            self._append(about, "wb")
        self.done = {each for part in self.parts for each in part.done}

    def next_part(self) -> str:
        """The name of the part that comes next."""
        return f"part-{len(self.parts):05}"

    def commit(self, part: Part) -> None:
        """Tell that a part is whole; its files have been closed."""
        self._append(part, "ab")
        self.parts.append(part)

    def finish(self) -> None:
        """Write the manifest: the export is complete."""
        new = self.folder / f"{MANIFEST}.new"
        new.write_bytes(msgspec.json.format(msgspec.json.encode(Manifest(self.about, self.parts))) + b"\n")
        new.replace(self.folder / MANIFEST)
        (self.folder / PROGRESS).unlink()

    def _go_on(self) -> None:
        lines = (self.folder / PROGRESS).read_bytes().splitlines(keepends=True)
        whole = [line for line in lines if line.endswith(b"\n")]  # the last one may be cut off
        if not whole:
            return
        try:
            about = msgspec.json.decode(whole[0], type=About)
            self.parts = [msgspec.json.decode(line, type=Part) for line in whole[1:]]
        except msgspec.MsgspecError as error:
            raise InvalidValue(f"{self.folder / PROGRESS} cannot be read: {error}; remove the folder") from error
        if about != self.about:
            raise InvalidValue(
                f"{self.folder} holds an interrupted export of something else ({_told(about)}); call it with the same "
                f"options as then, or name another folder"
            )
        os.truncate(self.folder / PROGRESS, sum(map(len, whole)))

    def _append(self, what: About | Part, mode: str) -> None:
        with (self.folder / PROGRESS).open(mode) as file:
            file.write(msgspec.json.encode(what) + b"\n")


def described(folder: Path, path: Path) -> File:
    """A file of an export with its size and hash. Raises: OSError."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return File(path.relative_to(folder).as_posix(), path.stat().st_size, digest)


def read_manifest(folder: Path) -> Manifest:
    """Return what a complete export says of itself. Raises: InvalidValue."""
    path = folder / MANIFEST
    if not path.is_file():
        interrupted = ", for it was interrupted: call `steno export directory` again" if _is_begun(folder) else ""
        raise InvalidValue(f"{folder} holds no complete export{interrupted}")
    try:
        found = msgspec.json.decode(path.read_bytes(), type=Manifest)
    except msgspec.MsgspecError as error:
        raise InvalidValue(f"{path} is no manifest of an export: {error}") from error
    if found.about.format != FORMAT or found.about.version > VERSION:
        raise InvalidValue(f"{path} is of a later steno; update this one to read it")
    return found


def _is_begun(folder: Path) -> bool:
    return (folder / PROGRESS).is_file()


def _told(about: About) -> str:
    told = [about.source, about.tables, *about.experiments, about.filter]
    return ", ".join(each for each in told if each)
