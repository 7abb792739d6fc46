"""A model as it is sent to workers: not itself, but how it is found and loaded there, once in each process."""

from __future__ import annotations

import json
import platform
import threading
from collections.abc import Collection, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

from msgspec import Struct
from steno.errors import InvalidValue, ModelError, NotFound, UntrustedTypes
from steno.models import load_pyfunc, untrusted_types
from steno.models.enforcement import enforce_params
from steno.models.from_code import config_of
from steno.models.manifest import Manifest
from steno.models.pyfunc import PyFuncModel
from steno.tracking.models import local_folder

from steno_scoring.archive import name_of

MOST_MODELS = 4
"""How many models a worker's process keeps loaded; the one that was not used for longest goes."""

_loading = threading.Lock()


class Place(Protocol):
    """Where a worker finds a model's folder. It travels to the worker, and equal ones are the same place."""

    def folder(self) -> Path:
        """Return the folder, on the worker. Raises: NotFound."""
        ...


class Here(Struct, frozen=True):
    """A folder that workers see under the same path: they run on this machine, or share its disk."""

    path: str

    def folder(self) -> Path:
        """Return the folder; whoever asks sees whether it is there."""
        return Path(self.path)


class Chosen(Struct, frozen=True):
    """A model on this machine that may be sent, judged without loading it.

    Attributes:
        uri: As the user named it.
        path: Where its files are.
        name: Tells its content.
        trusted: What it may construct beyond its framework's own types.
        config: Goes before the configuration saved with it: a JSON object.
        params: Of its `predict`, complete.
    """

    uri: str
    path: Path
    name: str
    manifest: Manifest
    trusted: tuple[str, ...]
    config: str
    params: dict[str, Any]


class SentModel(Struct, frozen=True):
    """What a worker is told of a model."""

    uri: str
    place: Place
    trusted: tuple[str, ...] = ()
    config: str = "{}"

    def model(self) -> PyFuncModel:
        """Return the model, which this process loads once.

        Raises:
            NotFound: Its files are not to be had on this worker.
            ModelError: It cannot be loaded here.
        """
        with _loading:  # of two threads that ask at once, one loads
            return _loaded(self)


def choose(
    model_uri: str | Path,
    *,
    params: Mapping[str, Any] | None,
    model_config: Mapping[str, Any] | str | Path | None,
    trusted: Collection[str],
) -> Chosen:
    """Find a model and say all that is wrong before a job begins.

    A URI is followed here and once: every worker has the version that an alias stands for now, and none of them needs
    to reach the store.

    Raises:
        NotFound: There is no such model.
        ModelError: It cannot predict, or no installed flavor reads it.
        UntrustedTypes: It holds types that are not named; nothing was executed.
        SchemaMismatch: The params are none that it takes.
        InvalidValue: `trusted` is no list, or the configuration no JSON object.
    """
    path = local_folder(model_uri).resolve()
    manifest = Manifest.read(path)
    if manifest.pyfunc is None:
        raise ModelError(f"model {model_uri} has no python_function flavor: it cannot predict")
    if isinstance(trusted, str):
        raise InvalidValue(f"trusted is a list of qualified names, not {trusted!r}")
    if needed := set(untrusted_types(path)) - set(trusted):
        raise UntrustedTypes(f"model {model_uri}", needed)
    signature = manifest.signature
    enforced = enforce_params(params, signature.params if signature else None)
    try:
        config = json.dumps(config_of(model_config), sort_keys=True)
    except TypeError as error:
        raise InvalidValue(f"model_config holds what JSON does not, and so cannot be sent: {error}") from error
    return Chosen(str(model_uri), path, name_of(path, manifest), manifest, tuple(trusted), config, enforced)


def sent(chosen: Chosen, place: Place) -> SentModel:
    """Return what workers are told of a model that they find at a place."""
    return SentModel(chosen.uri, place, chosen.trusted, chosen.config)


@lru_cache(maxsize=MOST_MODELS)
def _loaded(model: SentModel) -> PyFuncModel:
    folder = model.place.folder()
    if not folder.is_dir():
        raise NotFound(
            f"worker {platform.node()} cannot reach model {model.uri}: it sees no folder {folder}; put the model where "
            "every worker sees it under the same path"
        )
    return load_pyfunc(folder, trusted=model.trusted, model_config=json.loads(model.config))
