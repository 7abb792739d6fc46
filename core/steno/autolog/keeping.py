"""Keeps a trained model with its run: a small one at once, a large one from a snapshot, off the training thread."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from steno.autolog.apart import apart
from steno.autolog.remarks import gathered
from steno.contracts.integration import Options
from steno.errors import StenoError
from steno.models import infer_signature, persist
from steno.records import ModelStart
from steno.tracking.client import Client
from steno.tracking.deferred import deferred
from steno.tracking.logged_models import new_model_id

if TYPE_CHECKING:
    from steno.tracking.run import ActiveRun

MOST_BYTES = 1 << 30
TRAINED = "model"  # the name of the one that is registered; others are parts or candidates of it
NOT_KEPT = "steno.model_not_kept"
NOT_REGISTERED = "steno.model_not_registered"
REMARK = "steno.model_remark"  # what an explicit `log_model` would have warned of


class Snapshot(Struct):
    """A model as it is when its training ends.

    Attributes:
        restore: Gives the model as `save_model` takes it: the live one if it is written at once, else, on another
            thread, one that what the user does meanwhile cannot change.
        size_bytes: The memory that the snapshot holds until then.
        at_once: Write it now, on the training thread: for what takes a few milliseconds, or cannot be held.
        flavor: The flavor's name, if it is not to be found by the model's class.
        options: What `save_model` takes; a signature among it goes before the one that a sample shows.
    """

    restore: Callable[[], Any]
    size_bytes: int = 0
    at_once: bool = False
    flavor: str | None = None
    options: dict[str, Any] = field(default_factory=dict)


class Sample(Struct, frozen=True):
    """The first rows of the training data, and what the model makes of them; copies, in the user's own types."""

    inputs: Any
    outputs: Any = None


def keep(
    run: Any, options: Options, models: Mapping[str, Snapshot], sample: Sample | None = None, *, fresh: bool
) -> None:
    """Record trained models as logged models of the run; what cannot be kept is told in a tag. Never raises.

    Args:
        run: Of a call or session.
        options: What `autolog()` was told; decides about signature and input example.
        models: By name, the trained one under "model".
        sample: What the signature is inferred from.
        fresh: Autologging opened the run, so that all its metrics are the trained model's.
    """
    active = getattr(run, "active", None)
    if active is None or not options.log_models:  # no run could be opened
        return
    given = _given(run, options, sample)
    now = {path: each for path, each in models.items() if each.at_once}
    later = {path: each for path, each in models.items() if not each.at_once}
    ids = {path: new_model_id() for path in models}
    if TRAINED in ids and fresh:
        active.models[None] = ids[TRAINED]  # what is measured of it from now on, after its training too
    written = _write_all(active, now, given, ids, whole_run=fresh, told=run)
    name = options.registered_model_name
    if later:
        # The user may train on at once; what is kept is the model as it was.
        size_bytes = sum(snapshot.size_bytes for snapshot in later.values())

        def write(handle: ActiveRun) -> None:
            with apart():
                done = _write_all(handle, later, given, ids, whole_run=fresh, told=handle)
            _register(handle, name, written + done)

        if not deferred.submit(active, write, size_bytes):
            not_kept(run, ", ".join(later), "too many models wait to be written")
    elif name is not None and written:
        deferred.submit(active, lambda handle: _register(handle, name, written))


def training() -> AbstractContextManager[None]:
    """Let models that wait to be written wait on while the body runs: for advice, round its yield."""
    return deferred.training()


def not_kept(run: Any, path: str, why: object) -> None:
    """Say on the run why a model is not with it; a run has one such tag, and it names the last."""
    run.set_tags({NOT_KEPT: f"{path}: {why}"[:500]})


def _register(run: ActiveRun, name: str | None, written: list[str]) -> None:
    """Make the trained model a version of a registered one, or say on the run why it is none."""
    if name is None or TRAINED not in written:
        return
    try:
        Client(run.store_uri).register_model(f"runs:/{run.run_id}/{TRAINED}", name)
    except Exception as error:  # advice: the registry may be away, or refuse
        run.set_tags({NOT_REGISTERED: f"{name}: {error}"[:500]})


def _given(run: Any, options: Options, sample: Sample | None) -> dict[str, Any]:
    given: dict[str, Any] = {"signature": False}
    if sample is None:
        return given
    try:
        if options.log_model_signatures:
            with gathered():  # a schema that checks nothing is seen in the signature
                given["signature"] = infer_signature(sample.inputs, sample.outputs)
    except StenoError as error:
        run.set_tags({"steno.signature_not_kept": str(error)[:500]})
    if options.log_input_examples:
        given["input_example"] = sample.inputs
    return given


def _write_all(
    active: ActiveRun,
    snapshots: Mapping[str, Snapshot],
    given: dict[str, Any],
    ids: Mapping[str, str],
    *,
    whole_run: bool,
    told: Any,
) -> list[str]:
    """Write models, and return the paths of those that could be; of the others `told` is told."""
    written: list[str] = []
    for path, snapshot in snapshots.items():
        start = ModelStart(ids[path], path, time.time_ns() // 1_000_000, whole_run=whole_run)
        try:
            with gathered() as remarks:
                _write(active, snapshot, start, given)
            written.append(path)
            if remarks:
                told.set_tags({REMARK: f"{path}: {' '.join(remarks)}"[:500]})
        except Exception as error:  # advice: a user's own class may refuse in any way
            not_kept(told, path, error if isinstance(error, StenoError) else f"{type(error).__name__}: {error}")
    return written


def _write(active: ActiveRun, snapshot: Snapshot, start: ModelStart, given: dict[str, Any]) -> None:
    where = {"run_id": active.run_id, "artifact_path": start.name, "model_id": start.model_id}
    # No TemporaryDirectory: the interpreter would clear it away at exit, before this thread is waited for.
    place = Path(tempfile.mkdtemp(prefix="steno-model-"))
    try:
        options = {**where, "flavor": snapshot.flavor, **given, **snapshot.options}
        persist.save_model(snapshot.restore(), place / "model", **options)
        active.log_model(start, place / "model")
    finally:
        shutil.rmtree(place, ignore_errors=True)
