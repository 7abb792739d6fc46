"""Every way into a model's folder: those that load it, and those that only look."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import steno
from click.testing import CliRunner
from steno.cli.root import steno as command_line
from steno.cli.session import Session
from steno.errors import StenoError
from steno.models import load_model, load_pyfunc, open_model, untrusted_types

Door = Callable[[Path], Any]


def loaders(flavor: str) -> dict[str, Door]:
    """The ways to load a model's folder: each raises for what is hostile."""
    found: dict[str, Door] = {
        "steno.load_model": steno.load_model,
        "steno.pyfunc.load_model": steno.pyfunc.load_model,
        "steno.models.load_model": load_model,
        "steno.models.load_pyfunc": load_pyfunc,
        "steno.models.open_model": open_model,
    }
    if flavor != "python_function":
        found[f"steno.{flavor}.load_model"] = getattr(steno, flavor).load_model
    if flavor == "pytorch":
        found["steno.pytorch.load_state_dict"] = steno.pytorch.load_state_dict
    return found


def lookers(place: Path) -> dict[str, Door]:
    """The ways to look at a model, to bring it here or to register it: they may well work, and run nothing."""

    def downloaded(folder: Path) -> Any:
        target = place / "downloaded"
        shutil.rmtree(target, ignore_errors=True)
        return steno.artifacts.download_artifacts(str(folder), dst_path=target)

    return {
        "untrusted_types": untrusted_types,
        "get_model_dependencies": lambda folder: steno.pyfunc.get_model_dependencies(folder),
        "get_model_dependencies, conda": lambda folder: steno.pyfunc.get_model_dependencies(folder, format="conda"),
        "download_artifacts": downloaded,
    }


def through_the_registry(folder: Path) -> Iterator[tuple[str, Any]]:
    """Register a folder, and go through every command and function that looks at the version; loaders come last.

    Yields:
        What was done, and the error of steno's that it raised, or None.
    """

    def tried(what: str, act: Callable[[], Any]) -> tuple[str, Any]:
        try:
            act()
        except StenoError as error:
            return what, error
        return what, None

    name = f"hostile-{folder.name.replace('/', '-')}"
    yield tried("register_model", lambda: steno.register_model(str(folder), name))
    client = steno.Client()
    with suppress(StenoError):
        client.create_registered_model(name)
    with suppress(StenoError):
        client.create_model_version(name, str(folder))
    commands = [
        ["models", "show", f"{name}/1"],
        ["models", "show", f"{name}/1", "--json"],
        ["models", "diff", f"{name}/1", f"{name}/1", "--all"],
        ["models", "register", str(folder), f"{name}-again"],
        ["models", "versions", name],
    ]
    for words in commands:
        result = CliRunner().invoke(command_line, words, obj=Session())
        unforeseen = result.exception if not isinstance(result.exception, SystemExit) else None
        yield " ".join(words), unforeseen
    for uri in (f"models:/{name}/1", f"models:/{name}/latest"):
        yield tried(f"load_model({uri})", lambda uri=uri: steno.load_model(uri))
        yield tried(f"pyfunc.load_model({uri})", lambda uri=uri: steno.pyfunc.load_model(uri))
        yield tried(f"dependencies({uri})", lambda uri=uri: steno.pyfunc.get_model_dependencies(uri))
