"""What plugins offer, kept as addresses: nothing is imported until it is needed."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from msgspec.structs import replace

from steno.contracts.flavor import Flavor
from steno.contracts.importing import Importer
from steno.contracts.integration import Integration
from steno.contracts.stores import ArtifactStore, RunStore
from steno.errors import PluginError, UnknownScheme
from steno.plugins.offers import Offer, check

if TYPE_CHECKING:
    from steno.contracts.registry import RegistryStore

__all__ = [
    "FlavorRegister",
    "ImporterRegister",
    "IntegrationRegister",
    "Offer",
    "Register",
    "SchemeRegister",
    "StoreRegister",
]

T = TypeVar("T")
_NAMED = re.compile(r"([^:]*)://|([A-Za-z][A-Za-z0-9+.-]+):/")


class Register(Generic[T]):
    """Offers of one kind by name. The name of each belongs to the first plugin that takes it."""

    kind = "offer"

    def __init__(self, plugin: str = "") -> None:
        self.offers: dict[str, Offer] = {}
        self.plugin = plugin  # whose offers are being taken
        # What waits for plugins that are still importing, before it is said that nobody offers a thing.
        self.wait: Callable[[], bool] = _nobody_is_late

    def add(self, offer: Offer) -> None:
        """Take an offer. Raises: PluginError if the name is taken or the address malformed."""
        check(offer, self.kind)
        taken = self.offers.get(offer.name)
        if taken is not None:
            raise PluginError(f"{self.kind} {offer.name!r} is already offered by plugin {taken.plugin!r}")
        self.offers = {**self.offers, offer.name: offer}  # replaced, since other threads may be reading

    def find_one(self, name: str) -> Offer | None:
        """Return the offer of a name, also that of a plugin which is just arriving; None if there is none."""
        found = self.offers.get(name)
        return self.offers.get(name) if found is None and self.wait() else found

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
        named = _NAMED.match(uri)
        scheme = (named[1] or named[2] or "").lower() if named else "file"
        offer = self.offers.get(scheme) or self.find_one(scheme.partition("+")[0])
        if offer is None:
            raise UnknownScheme(uri, self.offers)
        return offer


class StoreRegister:
    """What `steno_register_stores` gets: stores of runs, of artifacts and of registered models."""

    def __init__(self, plugin: str = "") -> None:
        self.run_stores: SchemeRegister[RunStore] = SchemeRegister()
        self.artifact_stores: SchemeRegister[ArtifactStore] = SchemeRegister()
        self.registry_stores: SchemeRegister[RegistryStore] = SchemeRegister()
        self.plugin = plugin

    def runs(self, scheme: str, address: str, *, remedy: str = "") -> None:
        """Offer a RunStore for a URI scheme."""
        self.run_stores.add(Offer(scheme, address, self.plugin, remedy, kind="run store"))

    def artifacts(self, scheme: str, address: str, *, remedy: str = "") -> None:
        """Offer an ArtifactStore for a URI scheme."""
        self.artifact_stores.add(Offer(scheme, address, self.plugin, remedy, kind="artifact store"))

    def models(self, scheme: str, address: str, *, remedy: str = "") -> None:
        """Offer a RegistryStore for a URI scheme."""
        self.registry_stores.add(Offer(scheme, address, self.plugin, remedy, kind="registry"))

    @property
    def registers(self) -> tuple[SchemeRegister[Any], ...]:
        """All of them."""
        return self.run_stores, self.artifact_stores, self.registry_stores


class FlavorRegister(Register[Flavor]):
    """What `steno_register_flavors` gets; call it."""

    kind = "flavor"

    def __call__(self, name: str, address: str, *, owns: tuple[str, ...] = (), requires: str = "") -> None:
        """Offer a flavor. `owns`: top-level modules of the classes it is for."""
        self.add(Offer(name, address, self.plugin, owns=owns, requires=requires, kind="models"))

    def add(self, offer: Offer) -> None:
        """Take an offer. Raises: PluginError, also if another plugin's flavor owns one of its modules."""
        for other in self.offers.values():
            if other.plugin != offer.plugin and (taken := set(other.owns).intersection(offer.owns)):
                what = f"models of {min(taken)} are kept by flavor {other.name!r} of plugin {other.plugin!r} already"
                raise PluginError(f"flavor {offer.name!r}: {what}")
        super().add(offer)

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
                kind="autologging",
                names=names or {},  # type: ignore[arg-type]  # judged by `add`
            )
        )

    def add(self, offer: Offer) -> None:
        """Take an offer. Raises: PluginError, also if a name of its namespaces is taken."""
        super().add(offer)
        for namespace in (offer.name, *offer.also):
            self._check_namespace(namespace, offer)

    def _check_namespace(self, namespace: str, offer: Offer) -> None:
        own = _in_namespace(namespace, offer)
        if taken := own & _FUNCTIONS:
            raise PluginError(
                f"integration {offer.name!r}: steno.{namespace}.{min(taken)} is taken; choose another name"
            )
        for other in self.answering(namespace):
            if other.plugin != offer.plugin and (taken := own & _in_namespace(namespace, other)):
                where = f"steno.{namespace}.{min(taken)}"
                raise PluginError(f"integration {offer.name!r}: {where} is brought by plugin {other.plugin!r} already")

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


class ImporterRegister(Register[Importer]):
    """What `steno_register_importers` gets; call it."""

    kind = "importer"

    def __call__(self, name: str, address: str, *, requires: str = "", description: str = "") -> None:
        """Offer an importer: `steno import <name>`. `description`: what it reads, in a few words."""
        self.add(Offer(name, address, self.plugin, requires=requires, description=description, kind="runs recorded by"))


_FUNCTIONS = frozenset({"autolog", "log_model", "save_model", "load_model"})
"""What namespaces hold by themselves."""


def _in_namespace(namespace: str, offer: Offer) -> set[str]:
    parted = (name.rpartition(".") for name in offer.names)
    return {own for only, _, own in parted if only in ("", namespace)}


def _nobody_is_late() -> bool:
    return False
