"""Reads and writes `.skops` files: which types one holds, judged before anything is constructed."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from steno.errors import ModelError, UntrustedTypes

from steno_sklearn import discovery, skops_writer, soundness, unwritable
from steno_sklearn.allowed import allowed

with discovery.of_estimators_alone():
    import skops.io

_PROTOCOL = 2
_MAX_RATIO = 200
_FREE_BYTES = 64 * 2**20
# What a hostile or damaged file makes skops, zipfile, json and numpy raise.
_FAULTS = (
    zipfile.BadZipFile,
    ValueError,
    TypeError,
    KeyError,
    AttributeError,
    IndexError,
    ImportError,
    OSError,
    EOFError,
    RecursionError,
    MemoryError,
    NotImplementedError,
    RuntimeError,
)


def dump(model: Any, path: Path) -> tuple[frozenset[str], list[str]]:
    """Write the model as a skops file; returns the names skops does not trust by itself, and all top-level modules.

    Raises:
        ModelError: It cannot be written so, or not read back; names the remedy.
    """
    try:
        schema, text = skops_writer.write(model, path)
    except unwritable.Unwritable as error:
        raise unwritable.refusal(model, error.part, error.reason) from error
    except RecursionError as error:
        reason = "is nested too deep for skops, or refers back to itself"
        raise unwritable.refusal(model, model, reason) from error
    names = frozenset(skops.io.get_untrusted_types(data=_without_arrays(schema, text)))
    return names, _modules(schema)


def _without_arrays(schema: dict[str, Any], text: bytes) -> bytes:
    """Return a file of the same types that takes little memory: skops reads all that is in one to tell its types."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name in {str(node["file"]) for node in _nodes(schema) if "file" in node}:
            archive.writestr(name, b"")
        archive.writestr(skops_writer.SCHEMA, text)
    return content.getvalue()


def needed(data: bytes, where: str) -> frozenset[str]:
    """Return the names beyond skops' own defaults that loading needs. Raises: ModelError if the file is unsound."""
    _check_size(data, where)
    try:
        return frozenset(skops.io.get_untrusted_types(data=data))
    except _FAULTS as error:
        raise ModelError(f"{where} is no sound skops file, so nothing of it was executed: {error!r}") from error


def untrusted(data: bytes, where: str) -> frozenset[str]:
    """Return the names that loading needs beyond skops' defaults and scikit-learn's own."""
    return needed(data, where) - _admitted(data, where)


def loads(data: bytes, trusted: Collection[str], where: str) -> Any:
    """Return the model. Raises: UntrustedTypes, ModelError."""
    wanted, admitted = needed(data, where), _admitted(data, where) | set(trusted)
    if unknown := wanted - admitted:
        raise UntrustedTypes(where, unknown)
    try:
        model = skops.io.loads(data, trusted=sorted(wanted))
    except _FAULTS as error:
        raise ModelError(f"{where} cannot be loaded: {error!r}") from error
    soundness.check(model, where)
    return model


def _modules(schema: dict[str, Any]) -> list[str]:
    return list(dict.fromkeys(str(node.get("__module__")).partition(".")[0] for node in _nodes(schema)))


def _admitted(data: bytes, where: str) -> set[str]:
    """Return the allowed names in the file that appear in their role only.

    skops passes one list of trusted names to all its loaders; a name in the wrong role is therefore not on it at all.
    """
    schema = _schema(data, where)
    if schema.get("protocol") != _PROTOCOL:  # older loaders give the same names other roles
        return set()
    roles = allowed()
    found: set[str] = set()
    misused: set[str] = set()
    for node in _nodes(schema):
        name = f"{node.get('__module__')}.{node.get('__class__')}"
        if name in roles:
            (found if node["__loader__"] == roles[name] else misused).add(name)
    return found - misused


def _schema(data: bytes, where: str) -> dict[str, Any]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            schema = json.loads(archive.read(skops_writer.SCHEMA))
    except _FAULTS as error:
        raise ModelError(f"{where} is no sound skops file: {error!r}") from error
    if not isinstance(schema, dict):
        raise ModelError(f"{where} is no sound skops file: its schema is no object")
    return schema


def _nodes(schema: Any) -> Iterator[dict[str, Any]]:
    stack = [schema]
    while stack:
        value = stack.pop()
        if isinstance(value, dict):
            if "__loader__" in value:
                yield value
            stack += reversed(value.values())
        elif isinstance(value, list | tuple):
            stack += reversed(value)


def _check_size(data: bytes, where: str) -> None:
    """Refuse files that grow without measure as they are unpacked, also one archive deep (sparse matrices)."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            _check_ratio(sum(entry.file_size for entry in entries), len(data), where)
            for entry in entries:
                if entry.filename.endswith(".npz"):
                    inner = archive.read(entry)
                    with zipfile.ZipFile(io.BytesIO(inner)) as nested:
                        _check_ratio(sum(each.file_size for each in nested.infolist()), len(inner), where)
    except _FAULTS as error:
        raise ModelError(f"{where} is no sound skops file: {error!r}") from error


def _check_ratio(unpacked: int, packed: int, where: str) -> None:
    if unpacked > _FREE_BYTES and unpacked > _MAX_RATIO * packed:
        raise ModelError(f"{where} would unpack from {packed} to {unpacked} bytes; refused")
