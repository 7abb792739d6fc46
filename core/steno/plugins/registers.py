"""What plugins offer, kept as addresses: nothing is imported until it is needed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from steno.contracts.flavor import Flavor
from steno.contracts.integration import Integration
from steno.contracts.stores import ArtifactStore, RunStore
from steno.errors import MissingDependency, PluginError, UnknownScheme

T = TypeVar("T")


class Offer(Struct, frozen=True):
    """One thing a plugin offers.

    Attributes:
        name: Scheme of a store, name of a flavor or integration.
        address: "module:attribute".
        plugin: The plugin that offers it.
        remedy: What to install if the address cannot be imported.
        owns: Top-level modules whose classes a flavor is for.
        requires: The framework's distribution with its range: "scikit-learn>=1.4".
        when: The module whose import wakes an integration; "a | b" where either does.
        options: What an integration's `autolog()` takes beyond what every integration takes.
        also: Other names by which users switch an integration; several may answer to one.
        names: What an integration's namespaces hold beyond functions: address by name.
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


class Register(Generic[T]):
    """Offers of one kind by name. The name of each belongs to the first plugin that takes it."""

    kind = "offer"

    def __init__(self) -> None:
        self.offers: dict[str, Offer] = {}
        self.plugin = ""  # whose offers are being taken; set by the manager around each call

    def add(self, offer: Offer) -> None:
        """Take an offer. Raises: PluginError if the name is taken or the address malformed."""
        taken = self.offers.get(offer.name)
        if taken is not None:
            raise PluginError(f"{self.kind} {offer.name!r} is already offered by plugin {taken.plugin!r}")
        for address in (offer.address, *offer.names.values()):
            if address.count(":") != 1:
                raise PluginError(f"{self.kind} {offer.name!r}: {address!r} is not of the form 'module:attribute'")
        self.offers[offer.name] = offer

    def drop(self, plugin: str) -> None:
        """Forget all that a plugin offered."""
        self.offers = {name: offer for name, offer in self.offers.items() if offer.plugin != plugin}


class SchemeRegister(Register[T]):
    """Stores by URI scheme; the address is a factory `(uri) -> store`."""

    kind = "store for scheme"

    def open(self, uri: str) -> T:
        """Return a new store for a URI. Raises: UnknownScheme, MissingDependency, PluginError."""
        factory: Callable[[str], T] = self.find(uri).load()
        return factory(uri)

    def find(self, uri: str) -> Offer:
        """Return the offer for a URI; a plain path counts as `file:`. Raises: UnknownScheme."""
        scheme = uri.partition(":")[0].lower() if "://" in uri or uri.startswith("file:") else "file"
        offer = self.offers.get(scheme) or self.offers.get(scheme.partition("+")[0])
        if offer is None:
            raise UnknownScheme(uri, self.offers)
        return offer


class StoreRegister:
    """What `steno_register_stores` gets: run stores and artifact stores."""

    def __init__(self) -> None:
        self.run_stores: SchemeRegister[RunStore] = SchemeRegister()
        self.artifact_stores: SchemeRegister[ArtifactStore] = SchemeRegister()
        self.plugin = ""

    def runs(self, scheme: str, address: str, *, remedy: str = "") -> None:
        """Offer a RunStore for a URI scheme."""
        self.run_stores.add(Offer(scheme, address, self.plugin, remedy))

    def artifacts(self, scheme: str, address: str, *, remedy: str = "") -> None:
        """Offer an ArtifactStore for a URI scheme."""
        self.artifact_stores.add(Offer(scheme, address, self.plugin, remedy))

    def drop(self, plugin: str) -> None:
        """Forget all that a plugin offered."""
        self.run_stores.drop(plugin)
        self.artifact_stores.drop(plugin)


class FlavorRegister(Register[Flavor]):
    """What `steno_register_flavors` gets; call it."""

    kind = "flavor"

    def __call__(self, name: str, address: str, *, owns: tuple[str, ...] = (), requires: str = "") -> None:
        """Offer a flavor. `owns`: top-level modules of the classes it is for."""
        self.add(Offer(name, address, self.plugin, owns=owns, requires=requires))

    def owner_of(self, model: Any) -> Offer | None:
        """Return the flavor for a model: the first class of its MRO whose top-level module a flavor owns."""
        return self.owner_of_class(type(model))

    def owner_of_class(self, cls: type) -> Offer | None:
        """Return the flavor for the instances of a class."""
        for base in cls.__mro__:
            top = base.__module__.partition(".")[0]
            for offer in self.offers.values():
                if top in offer.owns:
                    return offer
        return None


class IntegrationRegister(Register[Integration]):
    """What `steno_register_integrations` gets; call it."""

    kind = "integration"

    def __call__(
        self,
        name: str,
        address: str,
        *,
        when: str,
        requires: str = "",
        options: tuple[str, ...] = (),
        also: tuple[str, ...] = (),
        names: Mapping[str, str] | None = None,
    ) -> None:
        """Offer an integration.

        Args:
            name: Its name: `steno.<name>.autolog()`, and the tag `mlflow.autologging` of its runs.
            address: "module:attribute".
            when: The module whose import wakes it; "a | b" where either does.
            requires: The framework's distribution with its range; "a>=1 | b>=1" where either will do.
            options: Names of its own options.
            also: Other names that switch it, as those of the frameworks it is built on.
            names: Classes it brings for explicit use, loaded when asked for: `{"StenoLogger": "module:StenoLogger"}`
                makes `steno.<name>.StenoLogger`, also below the other names. A name of the form
                "namespace.StenoLogger" is for that namespace only, and goes before one that is for all.
        """
        self.add(
            Offer(
                name,
                address,
                self.plugin,
                requires=requires,
                when=when,
                options=options,
                also=also,
                names=dict(names or {}),
            )
        )

    def answering(self, name: str) -> list[Offer]:
        """Return the integrations that are switched by a name: those called so, or so too."""
        return [offer for offer in self.offers.values() if name == offer.name or name in offer.also]

    def names(self) -> set[str]:
        """Return every name that switches an integration."""
        return {name for offer in self.offers.values() for name in (offer.name, *offer.also)}

    def further(self, namespace: str) -> dict[str, Offer]:
        """Return what a namespace holds beyond functions, by name; each offer's address is that of the thing."""
        found: dict[str, Offer] = {}
        for offer in self.answering(namespace):
            for name, address in sorted(offer.names.items(), key=lambda item: "." in item[0]):
                only, _, own = name.rpartition(".")
                if only in ("", namespace):
                    found[own] = replace(offer, name=own, address=address)
        return found
