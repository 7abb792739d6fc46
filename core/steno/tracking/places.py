"""Where things are: tracking URIs made absolute, the journal's folder, and the stores of this process."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import unquote, urlsplit

from steno import settings
from steno.contracts.stores import ArtifactStore, RunStore
from steno.errors import AlreadyExists, InvalidValue
from steno.plugins import plugins
from steno.records import Experiment
from steno.tracking import logins

if TYPE_CHECKING:
    from steno.contracts.registry import RegistryStore
    from steno.plugins.registers import SchemeRegister

StoreT = TypeVar("StoreT")

BY_NAME = "@"
"""Begins an experiment that is told by name: a run may begin before its store can be asked for the id."""

_lock = threading.RLock()
_chosen: str | None = None
_chosen_registry: str | None = None
_run_stores: dict[str, RunStore] = {}
_registry_stores: dict[str, RegistryStore] = {}
_artifact_stores: dict[str, ArtifactStore] = {}


def set_tracking_uri(uri: str | Path) -> None:
    """Choose where runs are kept, in this process and those it starts.

    Args:
        uri: `sqlite:///runs.db`, or a folder, which then holds `steno.db` and the artifacts. An empty text
            goes back to the default. A login in it, as in `http://user:password@host`, is remembered apart from it.

    Raises:
        UnknownScheme: No plugin serves such an address.
    """
    global _chosen
    if not uri:
        _chosen = None
        settings.share("tracking_uri", None)
        return
    absolute = absolute_uri(uri)
    plugins().stores.run_stores.find(absolute)
    _chosen = absolute
    settings.share("tracking_uri", absolute)


@contextmanager
def chosen_for(uri: str) -> Iterator[None]:
    """Have an address be the chosen one while the body runs: a command may be called in somebody else's process."""
    global _chosen
    before, shared = _chosen, settings.shared("tracking_uri")
    set_tracking_uri(uri)
    try:
        yield
    finally:
        _chosen = before
        settings.share("tracking_uri", shared)


def get_tracking_uri() -> str:
    """Return the address of the store, absolute."""
    return _chosen or absolute_uri(settings.load(only=("tracking_uri",)).tracking_uri)


def set_registry_uri(uri: str | Path) -> None:
    """Choose where registered models are kept, in this process and those it starts.

    Args:
        uri: As for `set_tracking_uri`. An empty text goes back to the default: with the runs.

    Raises:
        UnknownScheme: No plugin keeps registered models at such an address.
    """
    global _chosen_registry
    absolute = absolute_uri(uri) if uri else None
    if absolute:
        plugins().stores.registry_stores.find(absolute)
    _chosen_registry = absolute
    settings.share("registry_uri", absolute)


def get_registry_uri() -> str:
    """Return where registered models are kept, absolute: with the runs, if nothing else was chosen."""
    return registry_uri_beside(None)


def registry_uri_beside(tracking_uri: str | None) -> str:
    """Return where registered models are kept that go with a store of runs, None for the chosen one."""
    if _chosen_registry:
        return _chosen_registry
    found = settings.load()  # once: it reads a file
    if found.registry_uri:
        return absolute_uri(found.registry_uri)
    return tracking_uri or _chosen or absolute_uri(found.tracking_uri)


def is_tracking_uri_set() -> bool:
    """Say whether the address was chosen, by a call or from outside."""
    return _chosen is not None or settings.origin_of("tracking_uri") != "default"


def absolute_uri(uri: str | Path) -> str:
    """Make a tracking URI independent of the working directory, and take the login out of it.

    Raises:
        InvalidValue: It is no text or path.
    """
    if not isinstance(uri, str | Path):
        raise InvalidValue(f"a tracking URI is text or a path, not {type(uri).__name__}")
    text = logins.without(str(uri))
    scheme, separator, rest = text.partition("://")
    if not separator:  # a plain path, or file:path
        folder = Path(unquote(text.removeprefix("file:"))).expanduser().absolute()
        return f"sqlite:///{folder}/steno.db"
    if scheme == "file":
        return f"sqlite:///{unquote(urlsplit(text).path)}/steno.db"
    if scheme.partition("+")[0] == "sqlite" and rest.startswith("/") and rest != "/:memory:":
        path, question, query = rest[1:].partition("?")
        return f"{scheme}:///{Path(path).expanduser().absolute()}{question}{query}"
    return text


def split_runs_uri(uri: str) -> tuple[str, str]:
    """Return run id and path of `runs:/<run id>/<path>`. Raises: InvalidValue."""
    run_id, _, path = uri.removeprefix("runs:/").lstrip("/").partition("/")
    if not uri.startswith("runs:/") or not run_id:
        raise InvalidValue(f"{uri!r} is not of the form runs:/<run id>/<path>")
    return run_id, path


def journal_folder(uri: str) -> Path:
    """Return where journals for a store lie: beside an embedded one, else in the user's state folder."""
    chosen = settings.load(only=("journal_dir",)).journal_dir
    if chosen:
        return Path(chosen).expanduser().absolute()
    scheme, _, rest = uri.partition(":///")
    if scheme.partition("+")[0] == "sqlite" and rest:
        return Path(rest.partition("?")[0]).parent / "journal"
    return Path("~/.local/state/steno/journal").expanduser()


def run_store(uri: str | None = None) -> RunStore:
    """Return this process's store for a URI, opened on first need; the chosen one by default."""
    return _store(_run_stores, plugins().stores.run_stores, uri or get_tracking_uri())


def registry_store(uri: str | None = None) -> RegistryStore:
    """Return this process's store of registered models for a URI, opened on first need; the chosen one by default."""
    return _store(_registry_stores, plugins().stores.registry_stores, uri or get_registry_uri())


def artifact_store(uri: str) -> ArtifactStore:
    """Return this process's artifact store for a URI, opened on first need."""
    with _lock:
        if len(_artifact_stores) > 256:  # one per run: do not hold every run a long process has seen
            _artifact_stores.clear()
        return _store(_artifact_stores, plugins().stores.artifact_stores, uri)


def _store(opened: dict[str, StoreT], offered: SchemeRegister[StoreT], uri: str) -> StoreT:
    """Return what was opened for an address and the login that is known for it, opened if it was not."""
    address = logins.restored(uri)
    store = opened.get(address)
    if store is None:
        with _lock:
            store = opened.get(address)
            if store is None:
                offered.find(uri)  # what nobody serves is named without its login
                store = opened[address] = offered.open(address)
    return store


def experiment_named(store: RunStore, name: str) -> Experiment:
    """Return the experiment of a name, created if it is missing."""
    found = store.get_experiment_by_name(name)
    if found is not None:
        return found
    try:
        return store.create_experiment(name)
    except AlreadyExists:  # another process was quicker
        found = store.get_experiment_by_name(name)
        if found is None:
            raise
        return found


def experiment_id(store: RunStore, wanted: str) -> str:
    """Return an experiment's id, from the id or from `BY_NAME` and its name."""
    return experiment_named(store, wanted[1:]).experiment_id if wanted.startswith(BY_NAME) else wanted


def forget_stores() -> None:
    """Close every store of this process; they open again on need."""
    with _lock:
        for store in _run_stores.values():
            store.close()
        for registry in _registry_stores.values():
            registry.close()
        _run_stores.clear()
        _registry_stores.clear()
        _artifact_stores.clear()


def reset_after_fork() -> None:
    """In a forked child: a lock that a parent's thread held would never be released here."""
    global _lock
    _lock = threading.RLock()
