"""Keeps the fitted model with its run: a small one at once, a large one from a snapshot, off the training thread."""

from __future__ import annotations

import copy
import json
import pickle
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from msgspec import Struct
from steno.contracts.integration import Call
from steno.errors import StenoError
from steno.models import infer_signature, persist
from steno.models.manifest import Manifest
from steno.records import Tags
from steno.tracking.client import Client
from steno.tracking.deferred import deferred
from steno.tracking.models import history_entry, remember

from steno_sklearn.data import head

if TYPE_CHECKING:
    from steno.tracking.run import ActiveRun

AT_ONCE_BYTES = 64 << 10  # such a model is written within some milliseconds
MOST_BYTES = 1 << 30
EXAMPLE_ROWS = 5
_WRITER = "steno_sklearn.skops_file"
_DURING_FIT = frozenset({"_callback_fit_ctx", "_skl_callbacks_to_teardown"})
NOT_KEPT = "steno.model_not_kept"


class Target(Protocol):
    """Where a model's files go: the run of a call, or a further handle on it."""

    run_id: str

    def log_file(self, path: str, content: bytes) -> None: ...

    def set_tags(self, tags: dict[str, str]) -> None: ...


class Sample(Struct, frozen=True):
    """The first rows of the training data, and what the model makes of them."""

    inputs: Any
    outputs: Any = None


class _TooLarge(Exception):
    """A snapshot would not fit."""


class _Snapshot:
    """Takes what pickle writes, up to a limit: a model is not asked for its size before."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.size = 0

    def write(self, part: Any) -> int:
        part = bytes(part)
        self.size += len(part)
        if self.size > MOST_BYTES:
            raise _TooLarge
        self.parts.append(part)
        return len(part)


def sample_of(data: Any, labels: Any) -> Sample:
    """Return a copy of the first rows, so that it stays as it is while the user goes on."""
    return Sample(_copied_head(data), None if labels is None else _copied_head(labels))


def _copied_head(data: Any) -> Any:
    rows = head(data, EXAMPLE_ROWS)
    return rows.copy() if hasattr(rows, "copy") else rows


def keep(call: Call, models: dict[str, Any], sample: Sample | None) -> None:
    """Record fitted models under their artifact paths; what cannot be kept is told in a tag."""
    run = call.run
    active = getattr(run, "active", None)
    if active is None:  # no run could be opened
        return
    options, fresh = _options(call, sample), call.opened
    later: dict[str, _Snapshot] = {}
    now: dict[str, Any] = {}
    # The first model imports what writes it, which takes longer than most fits.
    at_once_bytes = AT_ONCE_BYTES if _WRITER in sys.modules else 0
    for path, model in models.items():
        model = as_after_fit(model)
        snapshot = _Snapshot()
        if not _take(snapshot, run, path, model):
            continue
        if snapshot.size > at_once_bytes:
            later[path] = snapshot
        else:
            now[path] = model
    written = _write_all(run, now, options)
    if later:
        # The user may train on at once; what is kept is the model as it was.
        size_bytes = sum(snapshot.size for snapshot in later.values())
        if not deferred.submit(active, lambda handle: _write_later(handle, later, options, written, fresh), size_bytes):
            run.set_tags({NOT_KEPT: f"{', '.join(later)}: too many models wait to be written"})
    elif fresh:
        run.set_tags({Tags.LOG_MODEL_HISTORY: _history(run.run_id, written)})
    elif written:
        deferred.submit(active, lambda handle: _remember(handle, written))


def as_after_fit(model: Any) -> Any:
    """Return the model as the user will have it: inside `fit`, scikit-learn 1.9 keeps callbacks on it for a while."""
    if not hasattr(model, "__dict__") or _DURING_FIT.isdisjoint(vars(model)):
        return model
    bare = copy.copy(model)
    for name in _DURING_FIT:
        vars(bare).pop(name, None)
    return bare


def _take(snapshot: _Snapshot, run: Target, path: str, model: Any) -> bool:
    """Pickle the model; False if it is too large to be kept. One that cannot be pickled leaves the snapshot empty."""
    try:
        pickle.Pickler(snapshot, 5).dump(model)
    except _TooLarge:
        run.set_tags({NOT_KEPT: f"{path}: larger than {MOST_BYTES >> 20} MB; steno.log_model keeps it"})
        return False
    except Exception:  # advice: a function of the user's, say; cloudpickle may still keep it
        snapshot.size = 0
    return True


def _write_later(
    run: ActiveRun, snapshots: dict[str, _Snapshot], options: dict[str, Any], written: dict[str, Manifest], fresh: bool
) -> None:
    models = {path: pickle.loads(b"".join(snapshot.parts)) for path, snapshot in snapshots.items()}
    later = _write_all(run, models, options)
    if fresh:
        run.set_tags({Tags.LOG_MODEL_HISTORY: _history(run.run_id, {**written, **later})})
    else:
        _remember(run, {**written, **later})


def _remember(run: ActiveRun, written: dict[str, Manifest]) -> None:
    """Add to the models of a run of the user's, who may have logged others."""
    client = Client(run.store_uri)
    for path, manifest in written.items():
        remember(client, run.run_id, path, manifest)


def _history(run_id: str, written: dict[str, Manifest]) -> str:
    return json.dumps([history_entry(run_id, path, manifest) for path, manifest in written.items()])


def _options(call: Call, sample: Sample | None) -> dict[str, Any]:
    options: dict[str, Any] = {"signature": False}
    given = call.options
    if sample is not None and given.log_model_signatures:
        options["signature"] = infer_signature(sample.inputs, sample.outputs)
    if sample is not None and given.log_input_examples:
        options["input_example"] = sample.inputs
    if given.extra.get("serialization_format"):
        options["serialization_format"] = given.extra["serialization_format"]
    return options


def _write_all(run: Target, models: dict[str, Any], options: dict[str, Any]) -> dict[str, Manifest]:
    written: dict[str, Manifest] = {}
    for path, model in models.items():
        try:
            written[path] = _write(run, model, path, options)
        except StenoError as error:
            run.set_tags({NOT_KEPT: f"{path}: {error}"[:500]})
    return written


def _write(run: Target, model: Any, path: str, options: dict[str, Any]) -> Manifest:
    with tempfile.TemporaryDirectory(prefix="steno-model-") as place:
        folder = Path(place) / "model"
        manifest = persist.save_model(model, folder, run_id=run.run_id, artifact_path=path, **options)
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                run.log_file(f"{path}/{file.relative_to(folder).as_posix()}", file.read_bytes())
    return manifest
