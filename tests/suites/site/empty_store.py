"""An empty database of a good store, copied: to make it costs more than most tests, and no broken store breaks that."""

from __future__ import annotations

import shutil
from pathlib import Path

from steno_sql.store import SqlStore


def lay(folder: Path) -> None:
    """Copy it to a test's folder; the first test of all makes it beside its own."""
    made = folder.parent / "empty" / "steno.db"
    if not made.exists():
        made.parent.mkdir()
        store = SqlStore(f"sqlite:///{made}")
        store.get_experiment("0")
        store.close()
    shutil.copyfile(made, folder / made.name)
