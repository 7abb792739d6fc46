"""What a run was made with: Python, the system, and the packages that were imported."""

from __future__ import annotations

import functools
import json
import os
import platform
import sys

LENGTH = 6000  # well inside a tag's limit; some scripts import hundreds of packages


def environment() -> str:
    """Return JSON with the interpreter, the system and the version of each imported package.

    Read from modules that are loaded: nothing is imported and no file is read.
    """
    # A package's version does not change while it is loaded, so the count tells whether to look again.
    return _described(len(sys.modules))


@functools.lru_cache(maxsize=2)
def _described(modules: int) -> str:
    packages: dict[str, str] = {}
    size = 0
    for name, module in sorted(sys.modules.copy().items()):
        if "." in name or name.startswith("_") or name in sys.stdlib_module_names:
            continue
        version = vars(module).get("__version__") if hasattr(module, "__dict__") else None
        if isinstance(version, str) and size < LENGTH:
            packages[name] = version[:40]
            size += len(name) + len(packages[name]) + 8
    found = {
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "system": sys.platform,
        "machine": os.uname().machine if hasattr(os, "uname") else "",
        "cpus": os.cpu_count(),
        "packages": packages,
    }
    return json.dumps(found)
