"""Runs some of the classes of a module: of `SUITES_PART`, "1 2" say, the first is which, the second of how many."""

from __future__ import annotations

import os
from typing import Any


def pytest_collection_modifyitems(items: list[Any]) -> None:
    """Leave out what another process runs."""
    part, parts = map(int, os.environ["SUITES_PART"].split())
    classes = list(dict.fromkeys(item.cls for item in items))
    items[:] = [item for item in items if item.cls in classes[part::parts]]
