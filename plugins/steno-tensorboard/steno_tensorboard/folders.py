"""The folder of a run: `<experiment>/<run name>-<end of its id>`, children inside their parent's."""

from __future__ import annotations

import os
from pathlib import Path

import steno
from msgspec import Struct
from steno.errors import StenoError
from steno.records import RunStart, Tags

_NAME_BYTES = 120
_ID_LENGTH = 10
_DEEPEST = 16
_MOST_KNOWN = 10_000


class Head(Struct, frozen=True):
    """What a folder is named for."""

    run_id: str
    run_name: str
    experiment_id: str
    start_time_ms: int
    parent: str | None = None


class Folders:
    """Finds folders; asks the store only for what batches have not said."""

    def __init__(self) -> None:
        self._experiments: dict[tuple[str, str], str] = {}
        self._found: dict[tuple[str, str, str], Path] = {}

    def find(self, root: str, head: Head, store_uri: str, *, fresh: bool = False, depth: int = 0) -> Path:
        """Return a run's folder, which may not exist yet.

        Args:
            fresh: The run has just been created, so nobody has made a folder for it.
        """
        key = root, store_uri, head.run_id
        folder = self._found.get(key)
        if folder is None:
            above = self._above(root, head, store_uri, depth)
            folder = (None if fresh else _existing(above, head.run_id)) or above / _name(head)
            if len(self._found) >= _MOST_KNOWN:
                self._found.clear()
            self._found[key] = folder
        return folder

    def _above(self, root: str, head: Head, store_uri: str, depth: int) -> Path:
        if head.parent and depth < _DEEPEST:
            known = self._found.get((root, store_uri, head.parent))
            if known is not None:
                return known
            try:
                return self.find(root, stored_head(head.parent, store_uri), store_uri, depth=depth + 1)
            except StenoError:  # deleted, or in a store that is away: the child stands alone
                pass
        return Path(root) / component(self._experiment(head.experiment_id, store_uri))

    def _experiment(self, experiment_id: str, store_uri: str) -> str:
        key = store_uri, experiment_id
        if key not in self._experiments:
            try:
                self._experiments[key] = steno.Client(store_uri).store.get_experiment(experiment_id).name
            except StenoError:
                return f"experiment {experiment_id}"
        return self._experiments[key]


def head_of(run_id: str, start: RunStart) -> Head:
    """The head of a run that a batch creates."""
    return Head(run_id, start.run_name, start.experiment_id, start.start_time, start.tags.get(Tags.PARENT_RUN_ID))


def stored_head(run_id: str, store_uri: str) -> Head:
    """The head of a run that goes on. Raises: NotFound, StoreUnavailable."""
    run = steno.Client(store_uri).store.get_run(run_id)
    info = run.info
    return Head(run_id, info.run_name, info.experiment_id, info.start_time, run.data.tags.get(Tags.PARENT_RUN_ID))


def component(text: str) -> str:
    """A name as one part of a path: any name makes one, and the usual ones stay as they are."""
    shown = "".join("_" if char in "/\\" or not char.isprintable() else char for char in text).strip()
    shown = shown.encode("utf-8", "replace")[:_NAME_BYTES].decode("utf-8", "ignore")
    return f"_{shown}" if not shown or shown.startswith(".") else shown


def _name(head: Head) -> str:
    return f"{component(head.run_name)}-{head.run_id[-_ID_LENGTH:]}"


def _existing(folder: Path, run_id: str) -> Path | None:
    """A run's folder under the name it was made with, which may have changed since."""
    ending = f"-{run_id[-_ID_LENGTH:]}"
    try:
        with os.scandir(folder) as entries:
            return next((Path(entry.path) for entry in entries if entry.name.endswith(ending)), None)
    except OSError:
        return None
