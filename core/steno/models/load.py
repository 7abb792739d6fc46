"""Reads a model back: first what it is and what it would need, then, if that is trusted, the model."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from steno.contracts.flavor import Flavor
from steno.errors import InvalidValue, ModelError, UntrustedTypes
from steno.models import seal
from steno.models.layout import member
from steno.models.manifest import Manifest
from steno.plugins import plugins

PYFUNC = "python_function"


class Loaded(Struct, frozen=True):
    """A model with the flavor that read it and the section it was read by."""

    model: Any
    flavor: Flavor
    conf: dict[str, Any]
    manifest: Manifest


def load_model(folder: str | Path, *, trusted: Iterable[str] = (), flavor: str | None = None) -> Any:
    """Return the model in a folder, as its framework knows it.

    No code of the model's runs unless its types are named: what the file would construct is listed by reading, and
    only a flavor's own allow-list and `trusted` may be constructed.

    Args:
        folder: A model's folder on this machine.
        trusted: Qualified names ("my_package.module.MyScaler"), as `UntrustedTypes` lists them. Naming a type that
            ships in the model's `code` folder trusts that folder.
        flavor: Which of the model's flavors to use; default the first that is installed.

    Raises:
        UntrustedTypes: It holds types that are not named; nothing was executed.
        ModelError: It is damaged, or no installed flavor can read it.
        UnsafePath: It names files outside its folder.
        DamagedModel: A file is not as it was saved.
    """
    return open_model(folder, trusted=trusted, flavor=flavor).model


def open_model(
    folder: str | Path,
    *,
    trusted: Iterable[str] = (),
    flavor: str | None = None,
    config: Mapping[str, Any] | None = None,
) -> Loaded:
    """Return the model with all that came with it; arguments and errors are those of `load_model`.

    `config` goes before the configuration saved with it, key by key.
    """
    folder, manifest = Path(folder), Manifest.read(Path(folder))
    seal.check(folder, manifest)
    return opened(folder, manifest, trusted=trusted, flavor=flavor, config=config)


def opened(
    folder: Path,
    manifest: Manifest,
    *,
    trusted: Iterable[str] = (),
    flavor: str | None = None,
    config: Mapping[str, Any] | None = None,
) -> Loaded:
    """Return the model of a folder whose seal was checked; for the rest as `open_model`."""
    names = _names(trusted)
    reader, conf = _reader(manifest, flavor)
    if configured := {
        **_configuration(folder, manifest.pyfunc or {}),
        **_configuration(folder, conf),
        **(config or {}),
    }:
        conf = {**conf, "config": configured}
    needed = reader.untrusted(folder, conf) - names
    plugins().hooks.before_model_load(manifest, needed)
    if needed:
        raise UntrustedTypes(f"model {folder}", needed)
    _add_code(folder, manifest, conf, names)
    return Loaded(reader.load(folder, conf, trusted=names), reader, conf, manifest)


def untrusted_types(folder: str | Path, *, flavor: str | None = None) -> list[str]:
    """Return the names `load_model` would ask for, sorted; nothing is executed. Raises: ModelError, UnsafePath."""
    manifest = Manifest.read(Path(folder))
    seal.check(Path(folder), manifest)
    reader, conf = _reader(manifest, flavor)
    return sorted(reader.untrusted(Path(folder), conf))


def _names(trusted: Any) -> frozenset[str]:
    if isinstance(trusted, (str, bool)) or not isinstance(trusted, Collection):
        raise InvalidValue(f"trusted is a list of qualified names, not {trusted!r}")
    if wrong := [each for each in trusted if not isinstance(each, str)]:
        raise InvalidValue(f"trusted holds qualified names, not {wrong!r}")
    return frozenset(trusted)


def _reader(manifest: Manifest, flavor: str | None) -> tuple[Flavor, dict[str, Any]]:
    """Return the flavor to read with and the section it reads. Raises: ModelError."""
    register = plugins().flavors
    sections = {name: dict(conf) for name, conf in manifest.flavors.items() if name != PYFUNC}
    pyfunc = manifest.pyfunc or {}
    # What only MLflow's loader is named for is read by the flavor of the same name: "mlflow.sklearn" by "sklearn".
    # What no framework describes, as "mlflow.pyfunc.model", is read by the flavor that is named like the section.
    loader = str(pyfunc.get("loader_module", "")).removeprefix("mlflow.")
    loader = PYFUNC if loader.startswith("pyfunc.") else loader
    if loader and loader not in sections:
        sections[loader] = {}
    wanted = [flavor] if flavor else list(sections)
    for name in wanted:
        offer = register.find_one(name) if name in sections else None
        if offer is not None:
            found: Flavor = offer.load()
            return found, {**(pyfunc if name == loader else {}), **sections[name]}
    readers = [name for name in map(str, sections) if name.isidentifier()]
    raise ModelError(
        f"this model can be read by the flavors {', '.join(map(str, sections)) or 'none'}"
        + (f", {flavor!r} was asked for" if flavor else "")
        + f", and installed are {', '.join(sorted(register.offers)) or 'none'}"
        + (f". A plugin brings one more, by custom: pip install steno-{readers[0]}" if readers and not flavor else "")
    )


def _configuration(folder: Path, section: Mapping[str, Any]) -> Mapping[str, Any]:
    found = section.get("config") or section.get("model_config") or {}
    if not isinstance(found, Mapping):
        raise ModelError(f"the configuration of model {folder} is no map: {found!r}")
    return found


def shipped(folder: Path, code: Any) -> frozenset[str]:
    """Return the names of the modules kept beside a model, in the folder its `code` names; none if that is empty.

    Raises:
        ModelError: There is no such folder.
        UnsafePath: It lies elsewhere.
    """
    if not code:
        return frozenset()
    place = member(folder, code)
    if not place.is_dir():
        raise ModelError(f"model {folder} names {code!r} as the folder of its modules, and that is a file")
    return frozenset(path.stem if path.is_file() else path.name for path in place.iterdir())


def _add_code(folder: Path, manifest: Manifest, conf: dict[str, Any], trusted: frozenset[str]) -> None:
    """Make the model's own modules importable if the caller trusts a type in one of them.

    They come last on the path, so that they can never stand in for a module that is installed.
    """
    code = conf.get("code") or (manifest.pyfunc or {}).get("code")
    if not shipped(folder, code) & {name.partition(".")[0] for name in trusted}:
        return
    place = str(member(folder, code).resolve())
    if place not in sys.path:
        sys.path.append(place)
