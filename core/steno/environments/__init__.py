"""Environments of packages, made of what a folder names, kept, and shared by all who name the same."""

from __future__ import annotations

from steno.environments.cache import Built, prepare, root_folder
from steno.environments.installers import MANAGERS, python_of
from steno.environments.own import readers
from steno.environments.running import NOT_HANDED_ON
from steno.environments.specification import Specification, specification_of

__all__ = [
    "MANAGERS",
    "NOT_HANDED_ON",
    "Built",
    "Specification",
    "prepare",
    "python_of",
    "readers",
    "root_folder",
    "specification_of",
]
