"""Where a store says that files lie, as something they can be read from."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from steno.contracts.importing import Artifacts
from steno.errors import InvalidValue, StenoError
from steno.tracking import places


def local_folder(uri: str, base: Path) -> Path | None:
    """Return the folder that a path or `file:` URI names, relative ones below `base`; None for another scheme."""
    if uri.startswith("file:"):
        return Path(unquote(urlsplit(uri).path))
    return None if "://" in uri or uri.startswith("mlflow-artifacts:") else base / uri


def artifacts_at(uri: str, base: Path, *beside: Path) -> Artifacts | None:
    """Return the files at an artifact URI, None if there are none.

    Args:
        uri: As the store wrote it down.
        base: The folder that relative paths are below.
        beside: Folders to look at if there is none where the URI says: a store may have been moved.

    Raises:
        InvalidValue: They cannot be reached from here.
    """
    folder = local_folder(uri, base)
    if folder is not None:
        return next((each for each in (folder, *beside) if each.is_dir()), None)
    if uri.startswith("mlflow-artifacts:"):
        raise InvalidValue(f"its files at {uri} are behind a tracking server; import from the server's address")
    try:
        return places.artifact_store(uri)
    except StenoError as error:
        raise InvalidValue(f"its files at {uri} are out of reach: {error}") from error
