"""Models whose files are elsewhere: brought here once in a process, whole and as they were sealed, or not at all."""

from __future__ import annotations

import atexit
import hashlib
import os
import shutil
import tempfile
import threading
import uuid
from pathlib import Path

from steno.contracts.stores import ArtifactStore
from steno.errors import NotFound
from steno.models import seal
from steno.models.layout import MLMODEL
from steno.models.manifest import Manifest, load_yaml
from steno.tracking.artifacts import fetch

_MOST_MANIFEST_BYTES = 64 << 20
_lock = threading.Lock()
_roots: dict[int, Path] = {}  # by process: a forked child must not take its parent's away


def model_folder(store: ArtifactStore, key: str = "") -> Path:
    """Return where a model lies on this machine: in its store if that is here, else in a folder of this process.

    That folder goes with the process. One that was brought before is taken from there if its MLmodel file is still
    the same.

    Raises:
        NotFound: There is nothing.
        DamagedModel: What came is not what was sealed; nothing of it stays.
        ModelError: Its MLmodel file cannot be read.
    """
    local = store.local_path(key)
    if local is not None and local.exists():
        return local
    prefix = f"{key}/" if key else ""
    about = _manifest(store, prefix + MLMODEL)
    name = hashlib.sha256(f"{store.uri}\0{key}\0".encode() + about).hexdigest() if about else uuid.uuid4().hex
    place = _root() / name
    return place if place.exists() else _fetched(store, key, place, _limits(about, prefix))


def _fetched(store: ArtifactStore, key: str, place: Path, limits: dict[str, int]) -> Path:
    part = place.with_name(f"{uuid.uuid4().hex}.part")
    try:
        found = fetch(store, key, part, limits)
        if (found / MLMODEL).is_file():
            seal.check(found, Manifest.read(found))
        try:
            found.rename(place)
        except OSError:
            if not place.exists():  # another thread was not quicker
                raise
        return place
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _manifest(store: ArtifactStore, key: str) -> bytes:
    try:
        with store.open(key) as file:
            return file.read(_MOST_MANIFEST_BYTES)
    except NotFound:
        return b""


def _limits(about: bytes, prefix: str) -> dict[str, int]:
    """Return how long each file may be that the seal names."""
    content = load_yaml(about, MLMODEL)
    files = Manifest.from_dict(content).file_digests if isinstance(content, dict) else None
    told = {name: each.get("bytes") for name, each in (files or {}).items() if isinstance(each, dict)}
    return {f"{prefix}{name}": size for name, size in told.items() if isinstance(size, int)}


def _root() -> Path:
    with _lock:
        if os.getpid() not in _roots:
            _roots[os.getpid()] = Path(tempfile.mkdtemp(prefix="steno-models-"))
            atexit.register(forget)
        return _roots[os.getpid()]


def is_brought(folder: Path) -> bool:
    """Whether a model's folder is one that goes with this process."""
    root = _roots.get(os.getpid())
    return root is not None and folder.is_relative_to(root)


def adopt(folder: Path) -> None:
    """Have what another program brought here, before it became this one, go with this process."""
    with _lock:
        _roots[os.getpid()] = folder.parent
        atexit.register(forget)


def forget() -> None:
    """Remove what this process has brought here."""
    with _lock:
        root = _roots.pop(os.getpid(), None)
    if root is not None:
        shutil.rmtree(root, ignore_errors=True)
