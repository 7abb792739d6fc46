"""One thing a plugin offers, kept as an address, and what makes it a sound offer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from steno.contracts.integration import Options
from steno.errors import MissingDependency, PluginError

_MODULE = r"[^\W\d]\w*(?:\.[^\W\d]\w*)*"
_ADDRESS = re.compile(rf"{_MODULE}:{_MODULE}")
_WAKES = re.compile(rf"{_MODULE}(?:\s*\|\s*{_MODULE})*")
_SCHEME = re.compile(r"[a-z][a-z0-9.-]*(?:\+[a-z0-9.+-]+)?")
_NAME = re.compile(r"[^\W\d]\w*")
_EVERYWHERE = frozenset(Options.__struct_fields__) | {"disable", "exclude"}


class Offer(Struct, frozen=True):
    """One thing a plugin offers.

    Attributes:
        kind: Which thing: "run store", "artifact store", "models", "autologging" or "runs recorded by".
        name: Scheme of a store, name of a flavor, integration or importer.
        address: "module:attribute".
        plugin: The plugin that offers it.
        remedy: What to install if the address cannot be imported.
        owns: Top-level modules whose classes a flavor is for.
        requires: The framework's distribution with its range: "scikit-learn>=1.4".
        when: The module whose import wakes an integration; "a | b" where either does.
        options: What an integration's `autolog()` takes beyond what every integration takes.
        also: Other names by which users switch an integration; several may answer to one.
        names: What an integration's namespaces hold beyond functions: address by name.
        description: What an importer reads, in a few words.
    """

    name: str
    address: str
    plugin: str
    remedy: str = ""
    owns: tuple[str, ...] = ()
    requires: str = ""
    when: str = ""
    options: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    names: dict[str, str] = {}
    kind: str = ""
    description: str = ""

    def load(self) -> Any:
        """Import and return what the address names.

        Raises:
            MissingDependency: A package it needs is not installed.
            PluginError: The address is wrong, or its module fails.
        """
        import importlib

        module_name, _, attribute = self.address.partition(":")
        try:
            return getattr(importlib.import_module(module_name), attribute)
        except ModuleNotFoundError as error:
            needs = self.remedy or self.requires or error.name or self.name
            raise MissingDependency(f"{self.name!r} of plugin {self.plugin!r}", needs) from error
        except (ImportError, AttributeError) as error:
            raise PluginError(f"{self.address!r} of plugin {self.plugin!r} cannot be loaded: {error}") from error


def check(offer: Offer, kind: str) -> None:
    """Refuse an offer that could not be used, or would be in others' way.

    Raises:
        PluginError: Says what is wrong with it, and what it should be.
    """
    texts = {"name": offer.name, "address": offer.address, "remedy": offer.remedy, "requires": offer.requires}
    for field, value in {**texts, "when": offer.when, "description": offer.description}.items():
        if not isinstance(value, str):
            raise PluginError(f"{kind} {offer.name!r}: {field} is text, not {value!r}")
    for field in ("owns", "options", "also"):
        _check_names(kind, offer, field)
    for address in (offer.address, *_addresses(kind, offer)):
        if not isinstance(address, str) or not _ADDRESS.fullmatch(address):
            raise PluginError(f"{kind} {offer.name!r}: {address!r} is not of the form 'module:attribute'")
    allowed = _SCHEME if "scheme" in kind else _NAME
    if not allowed.fullmatch(offer.name):
        what = "in lower case, as in s3 or postgresql+driver" if allowed is _SCHEME else "a Python name"
        raise PluginError(f"{kind} {offer.name!r}: a name is {what}")
    if kind == "integration" and not _WAKES.fullmatch(offer.when):
        raise PluginError(f"{kind} {offer.name!r}: when={offer.when!r} is no module, nor several as in 'a | b'")


def functions(found: Any, plugin: str) -> list[Offer]:
    """Return the offers of functions whose addresses a plugin gave by name. Raises: PluginError."""
    if not isinstance(found, Mapping):
        raise PluginError(f"functions are a mapping of names to addresses, not {found!r}")
    offers = [Offer(name, address, plugin, kind="function") for name, address in found.items()]
    for offer in offers:
        check(offer, "function")
    return offers


def _check_names(kind: str, offer: Offer, field: str) -> None:
    names = getattr(offer, field)
    if not isinstance(names, tuple | list) or not all(isinstance(name, str) and name for name in names):
        raise PluginError(f"{kind} {offer.name!r}: {field} is a tuple of names, not {names!r}")
    if field == "options" and (taken := sorted(_EVERYWHERE & set(names))):
        raise PluginError(f"{kind} {offer.name!r}: {taken[0]!r} is an option of every integration; choose another name")


def _addresses(kind: str, offer: Offer) -> list[Any]:
    if not isinstance(offer.names, Mapping) or not all(isinstance(name, str) for name in offer.names):
        raise PluginError(f"{kind} {offer.name!r}: names is a mapping of names to addresses, not {offer.names!r}")
    return list(offer.names.values())
