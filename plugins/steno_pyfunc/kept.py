"""Artifacts beside a model: copied in from a path or an artifact's URI, found again as paths."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import steno
from steno.errors import InvalidValue, ModelError, NotFound
from steno.models.layout import member

FOLDER = "artifacts"


def keep(artifacts: Any, folder: Path) -> dict[str, dict[str, str]]:
    """Copy artifacts into a model's folder, piece by piece, and return its `artifacts` section.

    Args:
        artifacts: Path or URI by name: a local file or folder, `runs:/<run id>/<path>`, any artifact store's URI.
        folder: The model's folder.

    Raises:
        InvalidValue: No map of texts, or one of them is not there.
    """
    if not isinstance(artifacts, Mapping):
        raise InvalidValue(f"artifacts is a map of paths or URIs by name, not {artifacts!r}")
    section = {}
    for name, uri in artifacts.items():
        if not isinstance(name, str) or not isinstance(uri, str | Path) or not str(uri):
            raise InvalidValue(f"an artifact is a path or URI under a name, not {name!r}: {uri!r}")
        place = _copied(str(uri), folder / FOLDER, name)
        section[name] = {"path": place.relative_to(folder).as_posix(), "uri": str(uri)}
    return section


def paths(section: Any, folder: Path) -> dict[str, str]:
    """Return where a model's artifacts lie, by name. Raises: ModelError, UnsafePath."""
    if not isinstance(section or {}, Mapping) or not all(
        isinstance(each, Mapping) for each in (section or {}).values()
    ):
        raise ModelError(f"the artifacts of model {folder} are no map of names to paths")
    return {str(name): str(member(folder, each.get("path"))) for name, each in (section or {}).items()}


def _copied(uri: str, folder: Path, name: str) -> Path:
    source = _local(uri)
    last = source.resolve().name if source else uri.rstrip("/").rpartition("/")[2].partition("?")[0]
    # Two artifacts may have one file name.
    target = (
        folder / last if last and not (folder / last).exists() else folder / name.replace("/", "_") / (last or "data")
    )
    target.parent.mkdir(parents=True, exist_ok=True)
    if source is None:
        return _downloaded(uri, target, name)
    if not source.exists():
        raise InvalidValue(f"artifact {name!r}: {uri} does not exist on this machine")
    if source.is_dir():
        shutil.copytree(source, target)
    else:
        shutil.copyfile(source, target)
    return target


def _downloaded(uri: str, target: Path, name: str) -> Path:
    try:
        found = Path(steno.download_artifacts(uri, dst_path=target.parent / f".{target.name}"))
    except NotFound as error:
        raise InvalidValue(f"artifact {name!r}: {error.message}") from error
    found.rename(target)
    shutil.rmtree(target.parent / f".{target.name}", ignore_errors=True)
    return target


def _local(uri: str) -> Path | None:
    """Return the path of a local file or folder, None for a URI that is to be fetched."""
    if uri.startswith("file:"):
        return Path(unquote(urlsplit(uri).path))
    scheme, separator, _ = uri.partition(":/")
    return None if separator and len(scheme) > 1 and scheme.isidentifier() else Path(uri).expanduser()
