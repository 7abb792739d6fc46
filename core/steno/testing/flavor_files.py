"""What a stranger may put into a model's folder, and what may be installed where a model is read."""

from __future__ import annotations

import gzip
import io
import pickletools
import shutil
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from steno.models.seal import seal
from steno.testing.canary import Canary

_ZIP = b"PK\x03\x04"


def pickles_in(folder: Path) -> list[str]:
    """Return the files below a folder that are pickles or hold some, in a zip archive or compressed."""
    found = []
    for path in sorted(folder.rglob("*")):
        if path.is_file() and any(map(_is_pickle, _contents(path.read_bytes()))):
            found.append(path.relative_to(folder).as_posix())
    return found


def _contents(data: bytes) -> Iterator[bytes]:
    yield data
    for decompress in (gzip.decompress, zlib.decompress):
        try:
            yield decompress(data)
        except (OSError, EOFError, zlib.error):
            continue
    if data.startswith(_ZIP):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            yield from (archive.read(name) for name in archive.namelist())


def _is_pickle(data: bytes) -> bool:
    if not data.startswith(b"\x80"):
        return False
    try:
        return any(opcode.name == "STOP" for opcode, _, _ in pickletools.genops(data))
    except (ValueError, IndexError, UnicodeDecodeError):
        return False


def hostile_forms(data: bytes, canary: Canary) -> dict[str, bytes]:
    """Return what a file may be exchanged for by someone who wants code to run: by the name of the form."""
    forms = {"a pickle": canary.pickle, "a compressed pickle": gzip.compress(canary.pickle)}
    if data.startswith(_ZIP):
        changed = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(data)) as archive, zipfile.ZipFile(changed, "w") as hostile:
            for name in archive.namelist():
                hostile.writestr(name, canary.pickle)
        forms["an archive of pickles"] = changed.getvalue()
    return forms


def hostile_copies(folder: Path, files: Iterable[Path], canary: Canary, place: Path) -> Iterator[tuple[str, Path]]:
    """Copy a model's folder once for each form, with these of its files exchanged for it."""
    inside = [path.relative_to(folder) for file in files for path in plain_files(file)]
    names = dict.fromkeys(name for path in inside for name in hostile_forms((folder / path).read_bytes(), canary))
    for number, form in enumerate(names):
        copy = place / f"hostile-{number}"
        shutil.copytree(folder, copy)
        for path in inside:
            forms = hostile_forms((folder / path).read_bytes(), canary)
            (copy / path).write_bytes(forms.get(form, canary.pickle))
        seal(copy)  # as one would who wants it loaded
        yield form, copy


def plain_files(path: Path) -> list[Path]:
    """Return a file, or the files below a folder."""
    return [path] if path.is_file() else [each for each in path.rglob("*") if each.is_file()]


def absent_without(distributions: Iterable[str]) -> tuple[set[str], set[str]]:
    """Return the top-level modules, and the distributions, that would not be there if only these were installed.

    What they require comes with them; extras only where they ask for them.
    """
    present = _closure(distributions)
    owners = metadata.packages_distributions()
    modules = {name for name, each in owners.items() if not any(canonicalize_name(one) in present for one in each)}
    names = {found.metadata["Name"] for found in metadata.distributions()}
    return modules, {name for name in names if name and canonicalize_name(name) not in present}


def _closure(distributions: Iterable[str]) -> set[str]:
    waiting = [Requirement(name) for name in distributions]
    seen: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        wanted = waiting.pop()
        key = (canonicalize_name(wanted.name), frozenset(wanted.extras))
        if key in seen:
            continue
        seen.add(key)
        try:
            lines = metadata.requires(wanted.name) or []
        except metadata.PackageNotFoundError:
            continue
        for line in map(Requirement, lines):
            extras = wanted.extras or {""}
            if line.marker is None or any(line.marker.evaluate({"extra": extra}) for extra in extras):
                waiting.append(line)
    return {name for name, _ in seen}


def distribution_of_plugin(name: str) -> list[str]:
    """Return the distribution that brings a plugin of the entry-point group `steno`, if one does."""
    points = metadata.entry_points(group="steno", name=name)
    return [point.dist.name for point in points if point.dist is not None]
