"""Writes `.keras` files: weights go to disk as they are read, and the same model gives the same bytes.

Keras's own writer makes the file in memory, with the time of day and addresses of objects in it. Here it writes the
parts to a folder, and they are packed from there.
"""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from zipfile import ZipFile, ZipInfo

import keras

from steno_tensorflow.archive import CONFIG

_METADATA = "metadata.json"
_SHARED = "shared_object_id"
_CHUNK_BYTES = 1 << 20


def write(model: Any, path: Path, options: Mapping[str, Any]) -> None:
    """Write a model, with options for `keras.saving.save_model`. Raises what Keras raises for what it cannot write."""
    parts = path.with_name(f".{path.stem}-{uuid.uuid4().hex}")
    try:
        keras.saving.save_model(model, parts, **{**options, "zipped": False})
        with ZipFile(path, "w") as archive:
            for name, part in _in_order(parts):
                _pack(archive, name, part)
                part.unlink()  # so that no more than one of them lies there twice
    finally:
        shutil.rmtree(parts, ignore_errors=True)


def _in_order(folder: Path) -> Iterable[tuple[str, Path]]:
    return sorted((part.relative_to(folder).as_posix(), part) for part in folder.rglob("*") if part.is_file())


def _pack(archive: ZipFile, name: str, part: Path) -> None:
    with archive.open(ZipInfo(name), "w", force_zip64=True) as entry:  # without a time, and of any size
        if name in (_METADATA, CONFIG):
            content = json.loads(part.read_bytes())
            if name == CONFIG:
                _renumber(content)
            else:
                content.pop("date_saved", None)
            entry.write(json.dumps(content).encode())
            return
        with part.open("rb") as data:
            shutil.copyfileobj(data, entry, _CHUNK_BYTES)


def _renumber(config: Any) -> None:
    """Put numbers in the order of their coming in place of the addresses by which objects are told to be the same."""
    numbers: dict[int, int] = {}
    stack = [config]
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            if isinstance(node.get(_SHARED), int) and "class_name" in node:
                node[_SHARED] = numbers.setdefault(node[_SHARED], len(numbers))
            stack += reversed(node.values())
        elif isinstance(node, list):
            stack += reversed(node)
