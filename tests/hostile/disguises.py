"""Pickles in every disguise: each makes a folder `canary` where it is unpickled, and each has a reader that does so."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import pickle
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from typing import Any

CANARY = "canary"
PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)


class Bomb:
    """Makes a folder when a pickle of it is executed."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (os.mkdir, (CANARY,))


def plain(protocol: int = 4) -> bytes:
    """A pickle that makes the canary."""
    return pickle.dumps(Bomb(), protocol)


def _joblib(compress: Any) -> bytes:
    import joblib

    held = io.BytesIO()
    joblib.dump([Bomb()], held, compress=compress)
    return held.getvalue()


def _cloudpickled() -> bytes:
    import cloudpickle

    def burst() -> None:
        os.mkdir(CANARY)

    class Late:
        def __reduce__(self) -> tuple[Any, ...]:
            return (burst, ())

    data: bytes = cloudpickle.dumps(Late())
    return data


def _torch(*, archive: bool) -> bytes:
    import torch

    held = io.BytesIO()
    torch.save(Bomb(), held, _use_new_zipfile_serialization=archive)
    return held.getvalue()


def _npy() -> bytes:
    import numpy as np

    held = io.BytesIO()
    np.save(held, np.array([Bomb()], dtype=object), allow_pickle=True)
    return held.getvalue()


def _npz() -> bytes:
    import numpy as np

    held = io.BytesIO()
    np.savez(held, a=np.array([Bomb()], dtype=object))
    return held.getvalue()


def zipped(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """An archive with these files, whatever their names."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return held.getvalue()


def _tarred(data: bytes) -> bytes:
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w:gz") as archive:
        info = tarfile.TarInfo("model.pkl")
        info.size = len(data)
        archive.addfile(info, io.BytesIO(data))
    return held.getvalue()


def _computed() -> bytes:
    """The name is put together at load: os + "mkdir" through the memo."""
    text = b"\x8c\x02os\x94\x8c\x05mkdir\x94"
    return b"\x80\x04" + text + b"h\x00h\x01\x93\x8c\x06canary\x85R."


def _through_builtins() -> bytes:
    code = f"__import__('os').mkdir({CANARY!r})".encode()
    return b"c__builtin__\neval\n(S" + repr(code.decode()).encode() + b"\ntR."


def _behind_a_model() -> bytes:
    """A sound estimator first: what a reader that stops early would take for the whole."""
    from sklearn.linear_model import LinearRegression

    return pickle.dumps([LinearRegression(), Bomb()], 4)


def _as_state() -> bytes:
    """The bomb is what `__setstate__` is given, so that a loaded object of a harmless class carries it."""
    from sklearn.linear_model import LinearRegression

    model = LinearRegression()
    model.coef_ = Bomb()  # type: ignore[assignment]  # no estimator keeps such
    return pickle.dumps(model, 2)


def _framed() -> bytes:
    """Bytes before and after, as polyglots have them: a pickle stops at its STOP."""
    return plain(2) + b"PK\x05\x06" + bytes(18)


def all_disguises() -> dict[str, bytes]:
    """Return every disguise by name."""
    found: dict[str, Callable[[], bytes]] = {f"protocol {each}": (lambda p=each: plain(p)) for each in PROTOCOLS}
    found |= {
        "gzip": lambda: gzip.compress(plain()),
        "bzip2": lambda: bz2.compress(plain()),
        "xz": lambda: lzma.compress(plain()),
        "lzma of old": lambda: lzma.compress(plain(), format=lzma.FORMAT_ALONE),
        "zlib": lambda: zlib.compress(plain()),
        "zip": lambda: zipped({"model.pkl": plain()}),
        "tar": lambda: _tarred(plain()),
        "joblib": lambda: _joblib(0),
        "joblib, zlib": lambda: _joblib(("zlib", 3)),
        "joblib, lzma": lambda: _joblib(("lzma", 3)),
        "cloudpickle": _cloudpickled,
        "torch, archive": lambda: _torch(archive=True),
        "torch, legacy": lambda: _torch(archive=False),
        "npy": _npy,
        "npz": _npz,
        "names from the memo": _computed,
        "eval by an old name": _through_builtins,
        "behind a sound model": _behind_a_model,
        "in a sound model's state": _as_state,
        "a pickle that ends as an archive": _framed,
        "a pickle in a pickle": lambda: pickle.dumps(_Nested(plain()), 4),
    }
    return {name: make() for name, make in found.items()}


class _Nested:
    def __init__(self, inner: bytes) -> None:
        self._inner = inner

    def __reduce__(self) -> tuple[Any, ...]:
        return (pickle.loads, (self._inner,))


def goes_off(data: bytes) -> None:
    """Read a disguise as an unwary reader would: this makes the canary."""
    import joblib
    import numpy as np
    import torch

    unpack = {
        b"\x1f\x8b": gzip.decompress,
        b"BZ": bz2.decompress,
        b"\xfd7": lzma.decompress,
        b"]\x00": lzma.decompress,
        b"x\x9c": zlib.decompress,
        b"x^": zlib.decompress,
    }
    if data[:2] in unpack:
        inner = unpack[data[:2]](data)
        if inner[:9] == b"model.pkl":
            with tarfile.open(fileobj=io.BytesIO(inner)) as archive:
                inner = archive.extractfile("model.pkl").read()  # type: ignore[union-attr]  # a file
        data = inner
    if data.startswith(b"PK"):
        names = zipfile.ZipFile(io.BytesIO(data)).namelist()
        if "model.pkl" in names:
            data = zipfile.ZipFile(io.BytesIO(data)).read("model.pkl")
        elif names[0].endswith(".npy"):
            np.load(io.BytesIO(data), allow_pickle=True)["a"]
            return
        else:
            torch.load(io.BytesIO(data), weights_only=False)
            return
    if data.startswith(b"\x93NUMPY"):
        np.load(io.BytesIO(data), allow_pickle=True)
    elif data.startswith(pickle.dumps(0x1950A86A20F9469CFC6C, 2)):
        torch.load(io.BytesIO(data), weights_only=False)
    elif data.startswith(b"\x80\x05") and b"joblib" in data:
        joblib.load(io.BytesIO(data))
    else:
        pickle.loads(data)


def npy_header(shape: str) -> bytes:
    """The head of an array that says it is larger than any memory."""
    head = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}".ljust(117).encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head
