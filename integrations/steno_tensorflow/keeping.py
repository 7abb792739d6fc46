"""How a trained model is kept: written by Keras itself as the training ends, and put with its run later."""

from __future__ import annotations

import io
import math
import re
import shutil
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

from steno.autolog import keeping
from steno.autolog.keeping import Sample, Snapshot
from steno.autolog.quiet import quiet
from steno.contracts.integration import Options, Run

from steno_tensorflow import writer
from steno_tensorflow.archive import Archive
from steno_tensorflow.backends import as_imported
from steno_tensorflow.data import head
from steno_tensorflow.recorder import left_out
from steno_tensorflow.signature import signature_of

MODEL = "model"
_FLAVOR = "keras"
_BYTES_PER_S = 200e6  # at least; Keras writes some 600 MB a second to a page cache
_SHARE = 0.05
_FLOOR_S = 1.0
_IN_MEMORY_BYTES = 4 << 20
_COUNTED_BYTES = 64 << 20
_OWN_OPTIONS = ("keras_model_kwargs", "save_model_kwargs", "saved_model_kwargs")


def keep(run: Run, options: Options, model: Any, x: Any, seconds: float, *, fresh: bool) -> None:
    """Record a trained model as it is now; what cannot be kept is told in a tag.

    Args:
        run: Of the training.
        options: What `autolog()` was told.
        model: The user's; it is left as it is.
        x: What it was trained on, for the signature.
        seconds: How long the training took: writing may take a twentieth of it, or a second.
        fresh: Autologging opened the run.
    """
    if not options.log_models:
        return
    try:
        needed_s = size_bytes(model) / _BYTES_PER_S
        if needed_s > max(_FLOOR_S, _SHARE * seconds):
            keeping.not_kept(run, MODEL, f"writing it would take about {needed_s:.1f} s; steno.log_model keeps it")
            return
        archive = archived(model, _save_options(options.extra))
    except Exception as error:  # advice: a class of the user's may refuse to be saved in any way
        keeping.not_kept(run, MODEL, f"{type(error).__name__}: {error}")
        return
    told = _told(run, options, model, x)
    held = min(archive.size_bytes, _COUNTED_BYTES)
    sample = Sample(head(x)) if options.log_input_examples and head(x) is not None else None
    snapshot = Snapshot(lambda: archive, held, flavor=_FLAVOR, options=told)
    keeping.keep(run, options, {MODEL: snapshot}, sample, fresh=fresh)


def archived(model: Any, options: Mapping[str, Any]) -> Archive:
    """Let Keras write a model, and return the file; it has no name, so that nothing is left whatever happens."""
    folder = Path(tempfile.mkdtemp(prefix="steno-keras-"))
    try:
        path = folder / "model.keras"
        with quiet(), as_imported():
            writer.write(model, path, options)
        size = path.stat().st_size
        content: BinaryIO
        content = io.BytesIO(path.read_bytes()) if size <= _IN_MEMORY_BYTES else path.open("rb")
        return Archive(content, size)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def size_bytes(model: Any) -> int:
    """Return what weights and optimizer state take."""
    variables = [*model.variables, *getattr(getattr(model, "optimizer", None), "variables", ())]
    return sum(math.prod(each.shape) * _width(str(each.dtype)) for each in variables)


@cache
def _width(dtype: str) -> int:
    bits = re.search(r"\d+", dtype)  # "float8_e4m3fn" has eight
    return max(1, int(bits[0]) // 8) if bits else 1


def _save_options(extra: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in _OWN_OPTIONS:
        found |= extra.get(name) or {}
    return found


def _told(run: Run, options: Options, model: Any, x: Any) -> dict[str, Any]:
    if not options.log_model_signatures:
        return {}
    try:
        signature = signature_of(model, x)
    except Exception as error:  # advice: kept without its signature rather than not at all
        left_out(run, "signature", error)
        return {}
    return {} if signature is None else {"signature": signature}
