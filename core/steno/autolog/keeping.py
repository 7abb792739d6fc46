"""Keeps a trained model with its run: a small one at once, a large one from a snapshot, off the training thread."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from steno.autolog.apart import apart
from steno.contracts.integration import Options
from steno.errors import StenoError
from steno.models import infer_signature, persist
from steno.models.manifest import Manifest
from steno.records import Tags
from steno.tracking.client import Client
from steno.tracking.deferred import deferred
from steno.tracking.models import history_entry, remember

if TYPE_CHECKING:
    from steno.tracking.run import ActiveRun

MOST_BYTES = 1 << 30
TRAINED = "model"  # the artifact path of the one that is registered; others are parts or candidates of it
NOT_KEPT = "steno.model_not_kept"
NOT_REGISTERED = "steno.model_not_registered"


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
    """Record trained models under their artifact paths; what cannot be kept is told in a tag. Never raises.

    Args:
        run: Of a call or session.
        options: What `autolog()` was told; decides about signature and input example.
        models: By artifact path, the trained one under "model".
        sample: What the signature is inferred from.
        fresh: Nobody else logs models to this run: autologging opened it.
    """
    active = getattr(run, "active", None)
    if active is None or not options.log_models:  # no run could be opened
        return
    given = _given(run, options, sample)
    now = {path: each for path, each in models.items() if each.at_once}
    later = {path: each for path, each in models.items() if not each.at_once}
    written = _write_all(run, now, given)
    if later:
        # The user may train on at once; what is kept is the model as it was.
        size_bytes = sum(snapshot.size_bytes for snapshot in later.values())
        name = options.registered_model_name

        def write(handle: ActiveRun) -> None:
            _register(handle, name, _write_later(handle, later, given, written, fresh))

        if not deferred.submit(active, write, size_bytes):
            not_kept(run, ", ".join(later), "too many models wait to be written")
        return
    if fresh and written:
        run.set_tags({Tags.LOG_MODEL_HISTORY: _history(run.run_id, written)})
    elif written:
        deferred.submit(active, lambda handle: _remember(handle, written))
    if options.registered_model_name is not None and written:
        deferred.submit(active, lambda handle: _register(handle, options.registered_model_name, written))


def training() -> AbstractContextManager[None]:
    """Let models that wait to be written wait on while the body runs: for advice, round its yield."""
    return deferred.training()


def not_kept(run: Any, path: str, why: object) -> None:
    """Say on the run why a model is not with it; a run has one such tag, and it names the last."""
    run.set_tags({NOT_KEPT: f"{path}: {why}"[:500]})


def _write_later(
    run: ActiveRun, snapshots: dict[str, Snapshot], given: dict[str, Any], written: dict[str, Manifest], fresh: bool
) -> dict[str, Manifest]:
    with apart():
        all_written = {**written, **_write_all(run, snapshots, given)}
    if fresh and all_written:
        run.set_tags({Tags.LOG_MODEL_HISTORY: _history(run.run_id, all_written)})
    else:
        _remember(run, all_written)
    return all_written


def _remember(run: ActiveRun, written: dict[str, Manifest]) -> None:
    """Add to the models of a run of the user's, who may have logged others."""
    client = Client(run.store_uri)
    for path, manifest in written.items():
        remember(client, run.run_id, path, manifest)


def _register(run: ActiveRun, name: str | None, written: Mapping[str, Manifest]) -> None:
    """Make the trained model a version of a registered one, or say on the run why it is none."""
    if name is None or TRAINED not in written:
        return
    try:
        Client(run.store_uri).register_model(f"runs:/{run.run_id}/{TRAINED}", name)
    except Exception as error:  # advice: the registry may be away, or refuse
        run.set_tags({NOT_REGISTERED: f"{name}: {error}"[:500]})


def _history(run_id: str, written: dict[str, Manifest]) -> str:
    return json.dumps([history_entry(run_id, path, manifest) for path, manifest in written.items()])


def _given(run: Any, options: Options, sample: Sample | None) -> dict[str, Any]:
    given: dict[str, Any] = {"signature": False}
    if sample is None:
        return given
    try:
        if options.log_model_signatures:
            given["signature"] = infer_signature(sample.inputs, sample.outputs)
    except StenoError as error:
        run.set_tags({"steno.signature_not_kept": str(error)[:500]})
    if options.log_input_examples:
        given["input_example"] = sample.inputs
    return given


def _write_all(run: Any, snapshots: Mapping[str, Snapshot], given: dict[str, Any]) -> dict[str, Manifest]:
    written: dict[str, Manifest] = {}
    for path, snapshot in snapshots.items():
        try:
            written[path] = _write(run, snapshot, path, given)
        except Exception as error:  # advice: a user's own class may refuse in any way
            not_kept(run, path, error if isinstance(error, StenoError) else f"{type(error).__name__}: {error}")
    return written


def _write(run: Any, snapshot: Snapshot, path: str, given: dict[str, Any]) -> Manifest:
    where = {"run_id": run.run_id, "artifact_path": path, "flavor": snapshot.flavor}
    # No TemporaryDirectory: the interpreter would clear it away at exit, before this thread is waited for.
    place = Path(tempfile.mkdtemp(prefix="steno-model-"))
    try:
        folder = place / "model"
        manifest = persist.save_model(snapshot.restore(), folder, **{**where, **given, **snapshot.options})
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                run.log_file(f"{path}/{file.relative_to(folder).as_posix()}", file)
        return manifest
    finally:
        shutil.rmtree(place, ignore_errors=True)
