"""Writes `.skops` files: arrays go from the model to the file piece by piece, and the same model gives the same bytes.

skops's own writer holds every array twice and then the whole file in memory, and names its parts by their addresses.
Here the same records are made by skops, and taken to a file as they come, numbered in that order.
Source: the fields of arrays and sparse matrices are those that skops 0.11 to 0.16 write and read.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import BuiltinFunctionType, FunctionType
from typing import IO, Any
from zipfile import ZipFile, ZipInfo

import numpy as np

from steno_sklearn import discovery, unwritable

with discovery.of_estimators_alone():
    import skops
    import skops.io
    from skops.io import _scipy
    from skops.io._utils import SaveContext, _get_state, get_state

from scipy.sparse import save_npz
from sklearn.cluster import Birch

SCHEMA = "schema.json"
Schema = dict[str, Any]


class _Context(SaveContext):  # type: ignore[misc]  # skops has no types
    """Tells a save of ours from others in the same process."""


class _Archive:
    """What skops takes for a ZipFile to write to."""

    def __init__(self, archive: ZipFile) -> None:
        self._archive = archive
        self.names: dict[str, str] = {}

    def namelist(self) -> list[str]:
        """Return the names of what came so far, as skops gave them."""
        return list(self.names)

    def writestr(self, name: str, data: Any) -> None:
        """Write an entry, unless it is there."""
        if name not in self.names:
            with self.entry(name) as file:
                file.write(data)

    @contextmanager
    def entry(self, name: str) -> Iterator[IO[bytes]]:
        """Give an entry to write to."""
        self.names[name] = f"{len(self.names)}{Path(name).suffix}"
        with _entry(self._archive, self.names[name]) as file:
            yield file


def write(model: Any, path: Path) -> tuple[Schema, bytes]:
    """Write a model; returns what the file says it is made of, and the text of that.

    Raises Unwritable, and what skops raises for what it cannot write.
    """
    with ZipFile(path, "w") as archive:
        parts = _Archive(archive)
        context = _Context(zip_file=parts)
        schema: Schema = get_state(model, context)
        context.clear_memo()
        _renumber(schema, parts.names)
        schema |= {"protocol": context.protocol, "_skops_version": skops.__version__}
        text = json.dumps(schema).encode()
        with _entry(archive, SCHEMA) as file:
            file.write(text)
    return schema, text


def _entry(archive: ZipFile, name: str) -> IO[bytes]:
    return archive.open(ZipInfo(name), "w", force_zip64=True)  # without a time, and of any size


def _renumber(schema: Schema, names: dict[str, str]) -> None:
    """Put numbers in the order of their coming in place of addresses, which differ each time."""
    ids: dict[int, int] = {}
    stack: list[Any] = [schema]
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            if isinstance(node.get("__id__"), int):
                node["__id__"] = ids.setdefault(node["__id__"], len(ids))
            if isinstance(node.get("file"), str) and node["file"] in names:
                node["file"] = names[node["file"]]
            stack += reversed(node.values())
        elif isinstance(node, list | tuple):
            stack += reversed(node)


def _streamed(plain: Callable[..., Any], loader: str, kind: str, suffix: str, save: Callable[..., None]) -> Any:
    """Return a maker of records that writes what it can at once, and leaves the rest, and others' saves, to skops."""

    def record(obj: Any, context: Any) -> Any:
        if not isinstance(context, _Context) or obj.dtype.hasobject:
            return plain(obj, context)
        name = f"{context.memoize(obj)}{suffix}"
        if name not in context.zip_file.names:
            with context.zip_file.entry(name) as file:
                save(file, obj)
        module, named = type(obj).__module__, type(obj).__name__
        return {"__class__": named, "__module__": module, "__loader__": loader, "type": kind, "file": name}

    return record


def _save_array(file: IO[bytes], array: Any) -> None:
    np.save(file, array, allow_pickle=False)


def _guarded(plain: Callable[..., Any], judge: Callable[[Any], None]) -> Any:
    """Return a maker of records that refuses what would not come back, and names what skops itself refuses."""

    def record(obj: Any, context: Any) -> Any:
        if not isinstance(context, _Context):
            return plain(obj, context)
        try:
            judge(obj)
            return plain(obj, context)
        except (TypeError, ValueError, AttributeError, NotImplementedError) as error:
            raise unwritable.Unwritable(obj, f"has no form in such a file ({error})") from error

    return record


def _keyed(plain: Callable[..., Any]) -> Any:
    """Return a maker of the records of dicts, whose keys come back as they were."""

    def record(obj: Any, context: Any) -> Any:
        if not isinstance(context, _Context):
            return plain(obj, context)
        texts = unwritable.key_texts(obj)
        made = plain(obj, context)
        made["content"] = dict(zip(texts, made["content"].values(), strict=True))
        return made

    return record


def _register() -> None:
    sparse = _scipy.sparse_matrix_get_state
    for cls in [each for each, maker in _get_state.registry.items() if maker is sparse]:
        _get_state.register(cls, _streamed(sparse, "SparseMatrixNode", "scipy", ".npz", save_npz))
    arrays = _get_state.dispatch(np.ndarray)
    streamed = _streamed(arrays, "NdArrayNode", "numpy", ".npy", _save_array)
    _get_state.register(np.ndarray, _guarded(streamed, unwritable.judge_array))
    for cls, judge in _JUDGES.items():
        _get_state.register(cls, _guarded(_get_state.dispatch(cls), judge))
    _get_state.register(dict, _keyed(_get_state.dispatch(dict)))


_JUDGES: dict[type, Callable[[Any], None]] = {
    np.generic: unwritable.judge_array,
    FunctionType: unwritable.judge_name,
    BuiltinFunctionType: unwritable.judge_name,
    np.ufunc: unwritable.judge_name,
    type: unwritable.judge_name,
    list: unwritable.judge_collection,
    tuple: unwritable.judge_collection,
    set: unwritable.judge_collection,
    defaultdict: unwritable.judge_defaultdict,
    Birch: unwritable.judge_estimator,
    object: unwritable.judge_object,
}
_register()
