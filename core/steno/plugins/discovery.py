"""Which plugins are installed: entry points of the group `steno`, each distribution read in isolation."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from importlib.metadata import Distribution, EntryPoint, distributions
from typing import Any

from steno.errors import PluginError

GROUP = "steno"
_SEPARATORS = re.compile(r"[-_.]+")


class Point:
    """One line of a distribution's entry points.

    Attributes:
        name: The plugin's name.
        value: "module" or "module:attribute".
        distribution: Who says so.
    """

    def __init__(self, name: str, value: str, distribution: Distribution | None = None) -> None:
        self.name, self.value, self.distribution = name, value, distribution

    def load(self) -> Any:
        """Import and return the plugin; raises whatever its modules raise."""
        if not self.name or not EntryPoint.pattern.match(self.value):
            raise PluginError(f"{self.name!r} = {self.value!r} is no entry point; it reads: name = module:attribute")
        return EntryPoint(self.name, self.value, GROUP).load()

    @property
    def ships_here(self) -> bool:
        """Whether it is of the distribution that core is of."""
        return self.distribution is not None and _stem(self.distribution).partition("-")[0] == GROUP

    @cached_property
    def origin(self) -> tuple[str, str]:
        """The distribution's name and version, as far as its metadata tells them."""
        if self.distribution is None:
            return "", ""
        name, _, version = _stem(self.distribution).partition("-")
        # Read only where somebody looks: a metadata file costs more than all else about a plugin.
        try:
            told = self.distribution.metadata
            return told["Name"] or name, told["Version"] or version
        except Exception:  # plugin loading: a distribution may be damaged in any way
            return name, version


def installed() -> list[Point]:
    """Return the entry points of the group by name, first what ships here: a stranger takes none of its names."""
    found: list[Point] = []
    seen: set[str] = set()
    for distribution in distributions():
        key = _SEPARATORS.sub("-", _stem(distribution).partition("-")[0]).lower()
        if key not in seen:  # one that lies further back on the path is hidden
            seen.add(key)
            found.extend(_points_of(distribution))
    return sorted(found, key=lambda point: (not point.ships_here, point.name))


def _stem(distribution: Distribution) -> str:
    """The distribution's name and version as its folder has them: reading metadata of all would take long."""
    path = getattr(distribution, "_path", None)
    name = str(getattr(path, "name", "")) or str(distribution.metadata["Name"])
    return name.removesuffix(".dist-info").removesuffix(".egg-info")


def _points_of(distribution: Distribution) -> Iterator[Point]:
    # Read line by line here, since the standard library gives up on all of a file that has one bad line.
    try:
        text = distribution.read_text("entry_points.txt") or ""
    except Exception:  # plugin loading: no reason to give up the others
        return
    if f"[{GROUP}]" not in text:
        return
    section = ""
    for line in map(str.strip, text.splitlines()):
        if line.startswith("["):
            section = line.strip("[]").strip()
        elif section == GROUP and line and not line.startswith(("#", ";")):
            name, _, value = line.partition("=")
            yield Point(name.strip(), value.strip(), distribution)
