"""MLflow's stores as a source: a database, a folder `mlruns`, or a tracking server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from steno.contracts.importing import ForeignRun
from steno.errors import InvalidValue, NotFound, UnknownScheme
from steno.tracking import places

from steno_transfer.database import Database
from steno_transfer.folder import Folder
from steno_transfer.remote import OpenStore
from steno_transfer.whole import WholeStore

_DATABASES = ("postgresql", "mysql", "mssql")


class MlflowImporter:
    """A `steno.contracts.importing.Importer`, which also gives its source whole."""

    def open(self, location: str) -> WholeStore:
        """Open a source.

        Args:
            location: `sqlite:///mlflow.db`, a file, a folder, or a server's address.

        Raises:
            NotFound: There is nothing there.
            InvalidValue: It is nothing of MLflow's, or a database that only its server reads.
        """
        scheme, separator, rest = location.partition("://")
        if separator and scheme.partition("+")[0] == "sqlite":
            # Three slashes begin a relative path, four an absolute one.
            return Database(Path(rest.removeprefix("/").partition("?")[0]).expanduser())
        if separator and scheme in ("http", "https"):
            return opened(location)
        if separator and scheme.partition("+")[0] in _DATABASES:
            raise InvalidValue(
                f"a {scheme} database is read by way of its server: start `mlflow server --backend-store-uri …` beside "
                "it and import from the server's address"
            )
        if separator and scheme != "file":
            raise InvalidValue(
                f"{location!r} is no place that MLflow keeps runs: give sqlite:///mlflow.db, a folder mlruns or http://…"
            )
        path = Path(unquote(urlsplit(location).path) if separator else location.removeprefix("file:")).expanduser()
        if not path.exists():
            raise NotFound(f"there is nothing at {path}: give sqlite:///mlflow.db, a folder mlruns or http://…")
        return Folder(path) if path.is_dir() else Database(path)

    def runs(self, location: str) -> Iterator[ForeignRun]:
        """Yield the runs at a location. Raises: NotFound, InvalidValue."""
        source = self.open(location)
        try:
            yield from source.runs({each.name for each in source.experiments()})
        finally:
            source.close()


def opened(uri: str) -> OpenStore:
    """Return the store at an address that steno serves, to be read whole. Raises: UnknownScheme, InvalidValue."""
    absolute = places.absolute_uri(uri)
    store = places.run_store(uri)
    try:
        registry = places.registry_store(uri)
    except UnknownScheme:
        registry = None
    return OpenStore(store, registry, absolute)


importer = MlflowImporter()
