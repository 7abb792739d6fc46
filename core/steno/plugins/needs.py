"""What an offer needs of its framework, and what of it is installed, told from metadata: nothing is imported."""

from __future__ import annotations

from types import ModuleType
from typing import NamedTuple


class Need(NamedTuple):
    """One alternative of a `requires`.

    Attributes:
        distribution, range: What is asked for: "scikit-learn", ">=1.4".
        found: The version that is there, "" if none is.
        problem: Why it will not do, "" if it will.
    """

    distribution: str
    range: str
    found: str
    problem: str


def needs(requires: str, module: ModuleType | None = None) -> list[Need]:
    """Return the alternatives of "a>=1 | b>=1"; none for an empty text.

    Args:
        requires: As a plugin wrote it.
        module: The framework, where it is imported: frameworks also come under other distributions' names, or
            under none.
    """
    return [_need(each.strip(), module) for each in requires.split("|") if each.strip()]


def unmet(requires: str, module: ModuleType | None = None) -> str:
    """Say what is not installed of "scikit-learn>=1.4"; empty if all is well, or one of several alternatives is."""
    found = needs(requires, module)
    return "" if any(not need.problem for need in found) else "; ".join(need.problem for need in found)


def _need(requires: str, module: ModuleType | None) -> Need:
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        wanted = Requirement(requires)
    except InvalidRequirement:
        return Need("", "", "", f"its plugin requires {requires!r}, which cannot be read")
    found = _version(wanted.name, module)
    need = Need(wanted.name, str(wanted.specifier), found, "")
    if not found:
        return need._replace(problem=f"needs {requires}, which is not installed")
    try:
        fits = wanted.specifier.contains(found, prereleases=True)
    except ValueError:  # a version as no standard knows it, of a build of the user's own
        return need
    return need if fits else need._replace(problem=f"needs {requires}, found {found}")


def _version(distribution: str, module: ModuleType | None) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        found = version(distribution)
    except PackageNotFoundError:
        # The framework's module of that name is there all the same: built from source, or a variant of another name.
        same = module is not None and module.__name__ == distribution.replace("-", "_")
        found = getattr(module, "__version__", "") if same else ""
    return found if isinstance(found, str) else ""
