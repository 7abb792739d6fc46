"""A `.keras` file or an `.h5` of old: judged by reading before Keras sees it."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from steno.errors import ModelError

from steno_tensorflow.strangers import needed

CONFIG = "config.json"
WEIGHTS = "model.weights.h5"
_KNOWN = frozenset({CONFIG, WEIGHTS, "metadata.json"})
_ASSETS = "assets/"
_MAX_RATIO = 200
_FREE_BYTES = 64 << 20
_MOST_CONFIG_BYTES = 64 << 20
_MOST_ENTRIES = 100_000
_LINK = 0o120000
# What a hostile or damaged file makes zipfile, json and h5py raise.
_FAULTS = (
    zipfile.BadZipFile,
    ValueError,
    TypeError,
    KeyError,
    AttributeError,
    OSError,
    EOFError,
    RecursionError,
    MemoryError,
    NotImplementedError,
    RuntimeError,
)


class Archive:
    """A model as Keras wrote it.

    Attributes:
        size_bytes: Of the file.
    """

    def __init__(self, content: BinaryIO, size_bytes: int) -> None:
        self._content = content
        self.size_bytes = size_bytes

    def write(self, path: Path) -> None:
        """Write the file, once."""
        with self._content as content, path.open("wb") as file:
            content.seek(0)
            shutil.copyfileobj(content, file, 1 << 20)


def names_in(path: Path, where: str) -> dict[str, str]:
    """Return the names that loading needs beyond Keras's own, each with what Keras looks it up by.

    Raises:
        ModelError: It is damaged, or made to mislead.
    """
    try:
        if path.suffix == ".keras":
            return needed(_config_of_archive(path, where), where)
        return needed(_config_of_h5(path, where), where)
    except _FAULTS as error:
        raise ModelError(f"{where} is no sound Keras model, so nothing of it was executed: {error!r}") from error


def modules_in(path: Path) -> tuple[str, ...]:
    """Return the top-level modules of what is not Keras's own in an archive that was just written."""
    with zipfile.ZipFile(path) as archive:
        names = needed(json.loads(archive.read(CONFIG)), path.name)
    found = {name.partition(".")[0] for name in names if "." in name and ">" not in name}
    return tuple(sorted(found - {"__main__", "keras", "builtins"}))


def _config_of_archive(path: Path, where: str) -> Any:
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
        names = [entry.filename for entry in entries]
        if len(entries) > _MOST_ENTRIES or len(set(names)) != len(names):
            raise ModelError(f"{where} holds too many files, or one of them twice; refused")
        for entry in entries:
            _check_entry(entry, where)
        unpacked, packed = sum(entry.file_size for entry in entries), path.stat().st_size
        if unpacked > _FREE_BYTES and unpacked > _MAX_RATIO * packed:
            raise ModelError(f"{where} would unpack from {packed} to {unpacked} bytes; refused")
        if archive.getinfo(CONFIG).file_size > _MOST_CONFIG_BYTES:
            raise ModelError(f"{where} has a configuration of many megabytes; refused")
        config = json.loads(archive.read(CONFIG))
        with archive.open(WEIGHTS) as weights:
            _check_h5(weights, where)
    if not isinstance(config, dict) or "class_name" not in config:
        raise ModelError(f"{where} is no sound Keras model: its configuration names no class")
    return config


def _check_entry(entry: zipfile.ZipInfo, where: str) -> None:
    path = PurePosixPath(entry.filename)
    outside = path.is_absolute() or ".." in path.parts or "\\" in entry.filename or ":" in entry.filename
    if outside or (entry.external_attr >> 16) & 0o170000 == _LINK:
        raise ModelError(f"{where} holds {entry.filename!r}, which would lie elsewhere; refused")
    if entry.filename not in _KNOWN and not entry.filename.startswith(_ASSETS):
        raise ModelError(f"{where} holds {entry.filename!r}, which is no part of a Keras model; refused")


def _config_of_h5(path: Path, where: str) -> Any:
    import h5py  # type: ignore[import-untyped]

    _check_h5(path, where)
    with h5py.File(path, "r") as file:
        parts = [json.loads(file.attrs[name]) for name in ("model_config", "training_config") if name in file.attrs]
    if not parts:
        raise ModelError(f"{where} holds weights and no model; load them into one with load_weights")
    return parts


def _check_h5(file: Any, where: str) -> None:
    """Refuse an HDF5 file that leads out of itself, or grows without measure as it is read."""
    import h5py

    with h5py.File(file, "r") as opened:
        declared, seen = 0, set()
        stack = [opened["/"]]
        while stack:
            group = stack.pop()
            for name in group:
                if type(group.get(name, getlink=True)) is not h5py.HardLink:
                    raise ModelError(f"{where} holds the link {name!r} in place of weights; refused")
                member = group[name]
                place = h5py.h5o.get_info(member.id).addr
                if place in seen:
                    raise ModelError(f"{where} holds {name!r} under several names; refused")
                seen.add(place)
                if isinstance(member, h5py.Group):
                    stack.append(member)
                else:
                    declared += _declared_bytes(member, where)
        stored = opened.id.get_filesize()
    if declared > _FREE_BYTES and declared > _MAX_RATIO * stored:
        raise ModelError(f"{where} would unpack from {stored} to {declared} bytes; refused")


def _declared_bytes(member: Any, where: str) -> int:
    import h5py

    if not isinstance(member, h5py.Dataset) or member.external or member.is_virtual:
        raise ModelError(f"{where} holds {member.name!r}, whose data lies elsewhere; refused")
    if member.dtype.kind == "O" and h5py.check_string_dtype(member.dtype) is None:
        raise ModelError(f"{where} holds {member.name!r}, which is no array of numbers or texts; refused")
    return int(member.size or 0) * int(member.dtype.itemsize)
