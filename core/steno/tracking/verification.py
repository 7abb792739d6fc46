"""Verifies logged models and registered versions, and writes on them what came of it (P12)."""

from __future__ import annotations

import sys
import time
from collections.abc import Collection
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from steno.environments import prepare, readers, specification_of
from steno.errors import EnvironmentFailure, InvalidValue, NotFound, StenoError
from steno.models.manifest import Manifest
from steno.models.outputs import difference
from steno.models.verification import TIMEOUT_S, Outcome, Trial, try_model
from steno.registry import find_version, is_model_uri, parse_model_uri
from steno.tracking import brought, places, reading, run_models
from steno.tracking.client import Client
from steno.tracking.models import local_folder
from steno.tracking.verifying import VERIFIED, Verified

LOCAL = "local"
_client = Client()


class Marked(Struct, frozen=True):
    """What a verification is written on: a logged model, a registered version, or both."""

    model_id: str = ""
    name: str = ""
    version: str = ""

    def __str__(self) -> str:
        return f"models:/{self.name}/{self.version}" if self.name else f"models:/{self.model_id}"


class Verification(Struct, frozen=True):
    """How a model fared in a clean process.

    Attributes:
        model_uri: What was asked for.
        ok: Whether it does there all that could be tried.
        what: What it did, or why it did not, in a sentence without its subject.
        env_manager: "local", "virtualenv" or "uv".
        environment: The key of the environment that was made for it; "" for what is installed here.
        python, platform, steno: Of the process; "" where it never began.
        time_ms: When, since 1970.
        duration_s: How long it took, with the making of its environment.
        recorded_on: The URIs of what has it in its tags now.
    """

    model_uri: str
    ok: bool
    what: str
    env_manager: str
    environment: str = ""
    python: str = ""
    platform: str = ""
    steno: str = ""
    time_ms: int = 0
    duration_s: float = 0.0
    recorded_on: tuple[str, ...] = ()

    @property
    def where(self) -> str:
        """What it was tried with."""
        steno = f"steno {self.steno}" if self.steno else ""
        python = f"Python {self.python}" if self.python else ""
        return ", ".join(filter(None, [f"{self.env_manager} {self.environment}".strip(), python, steno]))

    @property
    def tags(self) -> dict[str, str]:
        """The tags that tell it."""
        return {
            VERIFIED: Verified.OK if self.ok else Verified.NO,
            f"{VERIFIED}_how": self.what[:500],
            f"{VERIFIED}_at": datetime.fromtimestamp(self.time_ms / 1000, UTC).isoformat(timespec="seconds"),
            f"{VERIFIED}_in": ", ".join(filter(None, [self.where, self.platform])),
        }


def verify_model(
    model_uri: str | Path,
    *,
    env_manager: str = "virtualenv",
    trusted: Collection[str] = (),
    timeout_s: float = TIMEOUT_S,
    record: bool = True,
) -> Verification:
    """Load a model in a clean process, predict on its example, and compare with what it predicted when it was saved.

    Where nothing was kept then, what it predicts with what is installed here takes its place. What came of it becomes
    tags (`steno.verified` and its kin) of the logged model and the registered version that the URI means.

    Args:
        model_uri: As for `load_model`; on a mere folder nothing can be recorded.
        env_manager: "virtualenv" or "uv" for an environment made as the model's files say, which takes minutes once
            and runs what its packages bring; "local" for what is installed here.
        trusted: Types that it may construct beyond its framework's own.
        timeout_s: How long loading and predicting may take.
        record: Whether it becomes tags.

    Raises:
        NotFound: There is no such model.
        InvalidValue: No such environment manager, or environments cannot be kept.
        MissingDependency: The environment manager is not installed.
    """
    began = time.monotonic()
    folder, marked = local_folder(model_uri), _marked(str(model_uri))
    trial = Trial(trusted=tuple(sorted(set(trusted))), timeout_s=timeout_s)
    outcome, key = _tried(folder, env_manager, trial)
    found = verification_of(str(model_uri), outcome, env_manager, key, began)
    return replace(found, recorded_on=write(_client, marked, found)) if record and marked else found


def verification_of(model_uri: str, outcome: Outcome, env_manager: str, key: str, began: float) -> Verification:
    """Return what is to be told of an outcome; `began` is by the monotonic clock."""
    about = {name: getattr(outcome, name) for name in ("ok", "what", "python", "platform", "steno")}
    taken_s = round(time.monotonic() - began, 3)
    now_ms = time.time_ns() // 1_000_000
    return Verification(
        model_uri, env_manager=env_manager, environment=key, time_ms=now_ms, duration_s=taken_s, **about
    )


def folder_of(client: Client, model_id: str) -> Path:
    """Return where a logged model lies on this machine, brought here if its store is elsewhere. Raises: NotFound."""
    return brought.model_folder(client.logged_model_artifacts(model_id))


def write(client: Client, marked: Marked, found: Verification) -> tuple[str, ...]:
    """Make a verification tags of what it is of, and return the URIs. Raises: NotFound."""
    done = []
    if marked.name:
        for key, value in found.tags.items():
            client.set_model_version_tag(marked.name, marked.version, key, value)
        done.append(str(marked))
    if marked.model_id:
        # A version may come from a store that is not this one.
        with suppress(*((NotFound,) if done else ())):
            client.set_logged_model_tags(marked.model_id, found.tags)
            done.append(f"models:/{marked.model_id}")
    return tuple(done)


def _tried(folder: Path, env_manager: str, trial: Trial) -> tuple[Outcome, str]:
    """Return what came of it, and the key of the environment it was tried in."""
    if env_manager == LOCAL:
        return try_model(folder, trial), ""
    try:
        built = prepare(specification_of(folder), env_manager, beside=_readers(folder))
    except EnvironmentFailure as error:
        return Outcome(False, f"has an environment that cannot be made: {error.message}"), ""
    outcome = try_model(folder, replace(trial, python=built.python))
    if not outcome.ok or outcome.predictions is None or outcome.compared:
        return outcome, built.key
    here = try_model(folder, replace(trial, python=Path(sys.executable)))
    if here.predictions is None:
        return outcome, built.key
    if differs := difference(outcome.predictions, here.predictions):
        said = f"loads, and predicts otherwise than with what is installed here: {differs}"
        return replace(outcome, ok=False, what=said), built.key
    return replace(outcome, what="loads and predicts as with what is installed here"), built.key


def _readers(folder: Path) -> list[str]:
    try:
        return readers(Manifest.read(folder))
    except StenoError:  # it is told by the process that loads the model
        return []


def _marked(uri: str) -> Marked | None:
    if uri.startswith("runs:/"):
        run_id, path = places.split_runs_uri(uri)
        reading.settle(_client.tracking_uri, run_id)
        found = run_models.find_model(_client.tracking_uri, run_id, path)
        return Marked(found[0].model_id) if found is not None and not found[1] else None
    if not is_model_uri(uri):
        return None
    parsed = parse_model_uri(uri)
    if parsed.path:
        raise InvalidValue(f"{uri!r} is not a model but something inside one; leave out {parsed.path!r}")
    if parsed.model_id:
        return Marked(parsed.model_id)
    version = find_version(_client.registry, parsed)
    return Marked(version.model_id or "", version.name, str(version.version))


__all__ = ["Verification", "verify_model"]
