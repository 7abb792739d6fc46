"""What a new plugin and its parts are called, refused where a name is no name or is taken."""

from __future__ import annotations

import keyword
import re
from collections.abc import Sequence
from importlib import metadata
from importlib.util import find_spec
from pkgutil import iter_modules

from msgspec import Struct

import steno
from steno.errors import AlreadyExists, InvalidValue, NotFound

_NAME = re.compile(r"[a-z][a-z0-9]*([-_][a-z0-9]+)*")
_MODULE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
LONGEST = 50


class NewPlugin(Struct, frozen=True):
    """What is to be written.

    Attributes:
        name: Of plugin, integration and flavor: "my_trainer".
        kinds: What it brings, in the order in which plugins are told of.
        framework: The import name of the framework it is for; "" if none is named.
        requires: The framework's distribution with the version that is here: "trainer>=1.2"; "" if none is named.
    """

    name: str
    kinds: tuple[str, ...]
    framework: str = ""
    requires: str = ""

    @property
    def dashed(self) -> str:
        """The name as it stands in URIs, commands and the distribution's name."""
        return self.name.replace("_", "-")

    @property
    def distribution(self) -> str:
        """What pip installs."""
        return f"steno-{self.dashed}"

    @property
    def package(self) -> str:
        """What Python imports."""
        return f"steno_{self.name}"

    @property
    def standin(self) -> str:
        """The module that is trained until there is a framework."""
        return f"standin_{self.name}"

    @property
    def trains(self) -> bool:
        """Whether its tests train something."""
        return "integration" in self.kinds or "flavor" in self.kinds

    @property
    def brings(self) -> str:
        """Its kinds in words."""
        named = [f"{'an' if kind[0] in 'aeio' else 'a'} {kind}" for kind in self.kinds]
        return " and ".join([", ".join(named[:-1]), named[-1]] if len(named) > 1 else named)


def choose(name: str, kinds: Sequence[str], framework: str | None = None) -> NewPlugin:
    """Return what to write.

    Raises:
        InvalidValue: The name cannot be that of a distribution and a module, or a framework is named where nothing
            is trained.
        AlreadyExists: Something installed has the name.
        NotFound: The framework is not installed.
    """
    name = _read(name)
    plugin = NewPlugin(name, tuple(dict.fromkeys(kinds)))
    if framework is not None and not plugin.trains:
        raise InvalidValue("--framework is for a plugin with an integration or a flavor; leave it out")
    _refuse_taken(plugin)
    if not plugin.trains:
        return plugin
    if framework is None:
        framework = name if name in metadata.packages_distributions() else ""
    plugin = NewPlugin(name, plugin.kinds, framework, _requires(framework) if framework else "")
    _refuse_owned(plugin)
    return plugin


def _read(given: str) -> str:
    short = re.sub(r"^steno[-_]", "", given)
    if not _NAME.fullmatch(short) or len(short) > LONGEST:
        raise InvalidValue(
            f"{given!r} cannot be the name of a distribution and a module: take at most {LONGEST} small letters and "
            f"digits, beginning with a letter, with single '-' or '_' between words: 'my-trainer'"
        )
    name = short.replace("-", "_")
    if keyword.iskeyword(name):
        raise InvalidValue(f"{given!r} is a word of Python's own, which `steno.{name}` cannot be; choose another name")
    return name


def _refuse_taken(plugin: NewPlugin) -> None:
    for what, taken in _taken(plugin):
        if taken:
            raise AlreadyExists(f"{what} is already there; choose another name, or leave out what brings it")


def _taken(plugin: NewPlugin) -> list[tuple[str, bool]]:
    """What the parts would be called, and whether something has that name."""
    from steno.cli.root import steno as root
    from steno.plugins import plugins

    name, installed = plugin.name, plugins()
    states = {state.name: state for state in installed.states()}
    found = [
        (f"a plugin {name!r}", name in states),
        (f"a distribution {plugin.distribution!r}", _is_installed(plugin.distribution)),
        (f"a module {plugin.package!r}", find_spec(plugin.package) is not None),
    ]
    if plugin.trains:
        found += [
            (f"an integration {name!r}", name in installed.integrations.names()),
            (f"a flavor {name!r}", name in installed.flavors.offers),
            (f"`steno.{name}`", name in dir(steno) or name in {one.name for one in iter_modules(steno.__path__)}),
            (f"a module {plugin.standin!r}", find_spec(plugin.standin) is not None),
        ]
    if "store" in plugin.kinds:
        stores = installed.stores
        schemes = {*stores.artifact_stores.offers, *stores.run_stores.offers}
        found.append((f"a store for {plugin.dashed}://", plugin.dashed in schemes))
    if "command" in plugin.kinds:
        commands = root.list_commands(root.make_context("steno", [], resilient_parsing=True))
        found.append((f"the command `steno {plugin.dashed}`", plugin.dashed in commands))
    return found


def _is_installed(distribution: str) -> bool:
    try:
        metadata.distribution(distribution)
    except metadata.PackageNotFoundError:
        return False
    return True


def _requires(framework: str) -> str:
    if not _MODULE.fullmatch(framework):
        raise InvalidValue(f"{framework!r} is no name of a module: give it as it is imported, 'package.module'")
    top = framework.partition(".")[0]
    owners = metadata.packages_distributions().get(top, [])
    if not owners:
        raise NotFound(
            f"no installed distribution brings the module {top!r}: install the framework first, so that its name and "
            f"version are known, or leave --framework out"
        )
    return f"{owners[0]}>={metadata.version(owners[0]).partition('+')[0]}"


def _refuse_owned(plugin: NewPlugin) -> None:
    """Models of one framework belong to one flavor: a second would never be asked."""
    from steno.plugins import plugins

    top = plugin.framework.partition(".")[0]
    for offer in plugins().flavors.offers.values():
        if "flavor" in plugin.kinds and top in offer.owns:
            raise AlreadyExists(
                f"models of {top!r} belong to the flavor {offer.name!r} of the plugin {offer.plugin!r}; "
                f"leave the flavor out (--kind integration)"
            )
