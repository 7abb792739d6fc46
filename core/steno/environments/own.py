"""How an installer gets the steno, or the plugin, that runs here: by its version, or from where it was installed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from msgspec import Struct

from steno.errors import EnvironmentFailure
from steno.models.manifest import Manifest
from steno.plugins import plugins

NAME = "steno"


class Own(Struct, frozen=True):
    """What installs a distribution as it is here.

    Attributes:
        name: Its name.
        arguments: For an installer, one word each.
        identity: Differs where something else would be installed; of a folder that is edited, where it needs others.
        python: The versions of Python that it runs on, as ">=3.11".
        version: Its version.
    """

    name: str
    arguments: tuple[str, ...]
    identity: str
    python: str
    version: str


def own(extras: Sequence[str] = (), name: str = NAME) -> Own:
    """Return how a distribution that runs here is installed elsewhere, with some of its extras.

    Source: PEP 610, `direct_url.json`, says where a distribution came from that has no mere version.

    Raises:
        EnvironmentFailure: It is not installed here, or what it was installed from is gone.
    """
    try:
        found = metadata.distribution(name)
    except metadata.PackageNotFoundError as error:
        raise EnvironmentFailure(
            f"{name} is not installed here but found on a path, so that nothing says how to install it elsewhere: "
            "pip install it, from its folder if need be"
        ) from error
    named = f"{name}[{','.join(extras)}]" if extras else name
    text = found.read_text("direct_url.json")
    told = json.loads(text) if text else None
    arguments = (f"{named}=={found.version}",) if told is None else _from(told, name, named)
    marks = " ".join(arguments)
    if told is not None:
        marks += _digest((found.read_text("RECORD") or "").encode()) + _digest(_project(told))
    python = (found.metadata.get_all("Requires-Python") or [""])[0]
    return Own(name, arguments, marks, python, found.version)


def readers(manifest: Manifest) -> list[str]:
    """Return the distributions, besides steno itself, of the plugins here that have a model's flavors."""
    found = {
        state.distribution
        for state in plugins().states()
        if any(offer.kind == "models" and offer.name in manifest.flavors for offer in state.offers)
    }
    return sorted(found - {NAME, ""})


def _from(told: dict[str, Any], name: str, named: str) -> tuple[str, ...]:
    url = str(told["url"])
    if (source := _local(url)) is not None and not source.exists():
        raise EnvironmentFailure(
            f"the {name} that runs here was installed from {source}, which is gone: install it anew, so that an "
            "environment can be given the same"
        )
    if source is not None and (told.get("dir_info") or {}).get("editable"):
        return ("--editable", str(source) + named.removeprefix(name))
    if version_control := told.get("vcs_info"):
        url = f"{version_control['vcs']}+{url}@{version_control['commit_id']}"
    if below := told.get("subdirectory"):
        url += f"#subdirectory={below}"
    return (f"{named} @ {url}",)


def _local(url: str) -> Path | None:
    parts = urlsplit(url)
    return Path(url2pathname(parts.path)) if parts.scheme == "file" else None


def _project(told: dict[str, Any]) -> bytes:
    """What an edited folder says that it needs: its modules are read where they lie."""
    source = _local(str(told["url"]))
    path = source / "pyproject.toml" if source is not None else None
    return path.read_bytes() if path is not None and path.is_file() else b""


def _digest(content: bytes) -> str:
    return " " + hashlib.sha256(content).hexdigest()
