"""What one invocation of the command line works with: the store it looks at and the form of its output."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from steno.errors import NotFound

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from steno.contracts.stores import ArtifactStore, RunStore
    from steno.tracking.client import Client

# A pipe has no width: nothing may be cut off there.
PIPE_WIDTH = 100_000


class Session:
    """One invocation. Everything heavy is made on first use, so that help and usage errors come at once."""

    def __init__(self, tracking_uri: str | None = None, *, as_json: bool = False) -> None:
        self.tracking_uri = tracking_uri
        self.as_json = as_json

    @cached_property
    def uri(self) -> str:
        """The tracking URI in force, absolute."""
        from steno.tracking import places

        return places.absolute_uri(self.tracking_uri) if self.tracking_uri else places.get_tracking_uri()

    @cached_property
    def store(self) -> RunStore:
        """The store, which must be there already: looking creates nothing. Raises: NotFound."""
        if embedded_path(self.uri) is not None:
            self._recover()
        _must_be_there(self.uri)
        return self.open_store()

    def open_store(self) -> RunStore:
        """The store, made if it is not there."""
        from steno.tracking import places

        return places.run_store(self.uri)

    @cached_property
    def client(self) -> Client:
        """A client of the store, and of the registered models that go with it; nothing is looked for yet."""
        from steno.tracking.client import Client

        return Client(self.uri)

    @cached_property
    def registry(self) -> Client:
        """The same, for registered models that must be there already. Raises: NotFound."""
        _must_be_there(self.client.registry_uri)
        return self.client

    def _recover(self) -> None:
        """Bring in what processes that are gone left beside an embedded store, so that it is seen."""
        from steno.tracking import places

        folder = places.journal_folder(self.uri)
        if not folder.is_dir() or not any(folder.iterdir()):
            return
        from steno.tracking import recovery

        for run_id, why in recovery.replay(folder).failed.items():
            sys.stderr.write(f"Warning: run {run_id} is not shown whole: {why}\n")

    def artifacts(self, uri: str) -> ArtifactStore:
        """The artifact store at a URI."""
        from steno.tracking import places

        return places.artifact_store(uri)

    @cached_property
    def console(self) -> Console:
        """Where results go."""
        from rich.console import Console

        return Console(width=None if sys.stdout.isatty() else PIPE_WIDTH, highlight=False, emoji=False)

    def emit(self, data: Any, render: Callable[[], RenderableType]) -> None:
        """Print `data` as JSON if that was asked for, what `render` returns otherwise."""
        if self.as_json:
            self.emit_json(data)
        else:
            self.console.print(render())

    def emit_json(self, data: Any) -> None:
        """Print JSON. NaN and the infinities, which JSON lacks, become the texts protobuf's mapping uses."""
        from steno.cli.formats import plain

        text = json.dumps(plain(data), indent=2, allow_nan=False)
        sys.stdout.write(text + "\n")

    def say(self, message: str, data: Any) -> None:
        """Print what was done: one line, or `data` as JSON."""
        if self.as_json:
            self.emit_json(data)
        else:
            sys.stdout.write(message + "\n")


def _must_be_there(uri: str) -> None:
    path = embedded_path(uri)
    if path is not None and not path.exists():
        raise NotFound(
            f"there is no store at {path} yet: record a run first, go to the folder where one was recorded, "
            f"or name the store with --tracking-uri or STENO_TRACKING_URI"
        )


def embedded_path(uri: str) -> Path | None:
    """The file of an embedded store, None for a store that is elsewhere."""
    scheme, _, rest = uri.partition(":///")
    if scheme.partition("+")[0] != "sqlite" or rest.startswith(":"):
        return None
    return Path(rest.partition("?")[0])
