"""Where artifacts are: what clients see of it, and what the server opens for them."""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from urllib.parse import unquote, urlsplit

from steno import settings
from steno.contracts.paths import artifact_key
from steno.contracts.stores import ArtifactStore
from steno.errors import InvalidValue, StenoError, UnsafePath
from steno.tracking import places
from steno.wire import outward
from steno.wire.messages import FilesAnswer

from steno_server.options import Options

SCHEME = "mlflow-artifacts:"
_ADDRESS = re.compile(r"(?!file:|https?:|mlflow-artifacts:)[a-z][a-z0-9.+-]*://[^/]+")
NAME_BYTES = 255
PATH_BYTES = 2000
MOST_DECODINGS = 10


class NotServed(StenoError):
    """No files pass through this server."""

    code = "TEMPORARILY_UNAVAILABLE"
    http_status = 503


class Artifacts:
    """One folder that clients know as `mlflow-artifacts:/`, and the artifact URIs below it in both forms.

    The store keeps plain paths, or addresses where the folder is in a store of objects, so that what was recorded
    without a server is served too, and what came by way of the server can be read without one. No file outside of that
    folder is ever opened for a client, whatever artifact location or source someone recorded.

    Args:
        options: The server's.
        default_location: Asks where the experiment "0" keeps its artifacts.
    """

    def __init__(self, options: Options, default_location: Callable[[], str]) -> None:
        self._options = options
        self._default_location = default_location

    @property
    def served(self) -> bool:
        """Whether files come and go through the server."""
        return self._options.serve_artifacts

    @cached_property
    def root(self) -> str:
        """The folder behind `mlflow-artifacts:/`, a path or an address. Raises: InvalidValue if there is none."""
        given = self._options.artifacts_folder
        if given:
            return str(_local(given) or "") or (given.rstrip("/") if _ADDRESS.match(given) else _no_folder(given))
        place = _local(self._default_location())
        return str(place.parent) if place else _no_folder(self._default_location())

    @cached_property
    def unfinished(self) -> Path:
        """Where what is still coming in lies: beside the files, or in the user's cache where they are elsewhere."""
        if self.root.startswith("/"):
            return Path(self.root)
        name = hashlib.sha256(self.root.encode()).hexdigest()[:32]
        return settings.cache_folder() / "steno" / "incoming" / name

    @cached_property
    def _prefix(self) -> str:
        return f"{self.root}/"

    @cached_property
    def store(self) -> ArtifactStore:
        """What `mlflow-artifacts:/` holds."""
        return places.artifact_store(self.root)

    def shown(self, uri: str) -> str:
        """Return an artifact URI as clients see it."""
        inside = self._inside(uri) if self.served else None
        return uri if inside is None else f"{SCHEME}/{inside}"

    def stored(self, uri: str) -> str:
        """Return an artifact URI as the store has it. Raises: UnsafePath."""
        if not uri.startswith(SCHEME):
            return uri if uri.startswith("/") else str(_local(uri) or uri)
        key = safe_key(urlsplit(uri).path.strip("/"), allow_root=True)
        return f"{self.root}/{key}" if key else self.root

    def new_location(self) -> str | None:
        """Return where a new experiment keeps its artifacts, None for where the store would keep them."""
        if self._options.artifact_root:
            root = self._options.artifact_root
        elif self.served and self._options.artifacts_folder:
            root = self.root
        else:
            return None
        return f"{root.rstrip('/')}/{uuid.uuid4().hex[:12]}"

    def key(self, uri: str, path: str = "") -> str:
        """Return the key below `root` of what lies at a path below an artifact URI.

        Raises:
            InvalidValue: It is not served.
            UnsafePath: The path would leave it.
        """
        self.require_served()
        inside = self._inside(self.stored(uri))
        if inside is None:
            raise InvalidValue(f"the artifacts at {uri!r} do not pass through this server; open them where they are")
        return "/".join(part for part in (inside, safe_key(path, allow_root=True)) if part)

    def listed(self, uri: str, path: str) -> FilesAnswer:
        """Return a folder below an artifact URI, paths relative to the URI. Raises: as `key`."""
        root = self.key(uri)
        return FilesAnswer(
            root_uri=self.shown(uri), files=outward.files(self.store.list(self.key(uri, path)), f"{root}/")
        )

    def require_served(self) -> None:
        """Raise NotServed if no files pass through the server."""
        if not self.served:
            raise NotServed("this server was started with --no-serve-artifacts: open artifacts where they are")

    def _inside(self, uri: str) -> str | None:
        """The key of a place below the root, None for a place that is not."""
        is_as_written = uri.startswith("/") or not self.root.startswith("/")
        plain = uri if is_as_written else str(_local(uri) or "")
        key = plain.removeprefix(self._prefix)
        if len(key) in (0, len(plain)) or ".." in key.split("/"):
            return None
        return key.rstrip("/")


def safe_key(path: str, *, allow_root: bool = False) -> str:
    """Return a path from a request if it is a safe key, however often it was percent-encoded. Raises: UnsafePath."""
    if len(path.encode("utf-8", "replace")) > PATH_BYTES or any(
        len(part.encode("utf-8", "replace")) > NAME_BYTES for part in path.split("/")
    ):
        raise UnsafePath(f"artifact path {path[:60]!r}… is too long: a name has at most {NAME_BYTES} bytes")
    plain = path
    for _ in range(MOST_DECODINGS):
        artifact_key(plain, allow_root=allow_root)
        decoded = unquote(plain)
        if decoded == plain:
            return path
        plain = decoded
    raise UnsafePath(f"artifact path {path[:60]!r} is percent-encoded again and again; give it as it is")


def _local(uri: str) -> Path | None:
    """The folder that an artifact URI means on this machine, None for another kind of place."""
    if uri.startswith("file:"):
        parts = urlsplit(uri)
        return Path(unquote(parts.path)) if parts.netloc in ("", "localhost") else None
    return Path(uri) if uri.startswith("/") else None


def _no_folder(uri: str) -> str:
    raise InvalidValue(
        f"{uri!r} is no folder that can be served: name one with --artifacts-destination, or use --no-serve-artifacts"
    )
