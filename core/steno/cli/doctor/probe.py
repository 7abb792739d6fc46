"""Looks into one integration in a process of its own: imports its framework, puts every row in place, and tells."""

from __future__ import annotations

import importlib
import json
import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from steno.autolog.patching import Applied, Hooked
    from steno.autolog.watcher import Watcher


def report(name: str) -> dict[str, Any]:
    """Switch an integration on, import all it watches, and return how each of its rows stands."""
    from steno.autolog.switch import watcher
    from steno.contracts.integration import Options

    found = watcher(name)
    found.switch_on(Options(silent=True))
    failed = {wake: why for wake in _names(found.offer.when) if (why := _import(wake))}
    absent = {}
    for module in getattr(found.integration, "modules", ()):
        if module.partition(".")[0] not in failed and (why := _import(module)):
            absent[module] = why
    return {
        "state": found.state,
        "failed": failed if len(failed) == len(_names(found.offer.when)) else {},
        "absent": absent | {wake: why for wake, why in failed.items() if found.integration is not None},
        "rows": _rows(found),
    }


def _names(when: str) -> list[str]:
    return [each.strip() for each in when.split("|")]


def _import(module: str) -> str:
    """Import a module; returns why it cannot be."""
    try:
        importlib.import_module(module)
    except (Exception, SystemExit) as error:  # a framework may fail to import in any way, and that is told
        return f"{type(error).__name__}: {error}"[:300]
    return ""


def _rows(found: Watcher) -> list[dict[str, Any]]:
    rows = [
        {"target": _where(row), "state": "on", "captures": row.patch.captures, "mechanism": row.mechanism, "why": ""}
        for row in found.applied
    ]
    for each in found.absent:
        why = "missing in this version" if each.is_missing else str(each.error)
        target = f"{each.module}.{each.patch.target}"
        rows.append({"target": target, "state": "off", "captures": each.patch.captures, "mechanism": "", "why": why})
    return rows


def _where(row: Applied | Hooked) -> str:
    module = row.root.__module__ if isinstance(row.root, type) else row.root.__name__
    return f"{module}.{row.target}"


def main() -> None:
    """Print the report on the integration that the command line names, and nothing else that a framework prints."""
    told = os.dup(1)
    os.dup2(2, 1)
    text = json.dumps(report(sys.argv[1]))
    with os.fdopen(told, "w") as pipe:
        pipe.write(text)
