"""A run store that fails as it is told to, and a gate that stays shut: plugins like any other."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from steno import hookimpl
from steno.errors import StoreError, StoreReadOnly, StoreUnavailable
from steno_sql.store import SqlStore

WAYS = {
    "raise": RuntimeError("the store broke"),
    "unavailable": StoreUnavailable("the store is away"),
    "refuse": StoreError("the store does not want this"),
    "read-only": StoreReadOnly("the store can only be read"),
}


class AwkwardStore:
    """SQLite behind a switch: the file `way` beside the database says how each call goes.

    "" as it should, a name of WAYS to raise that, "hang" until it says otherwise, "forget" to write and then
    claim to be unavailable: an answer that was lost.
    """

    def __init__(self, uri: str) -> None:
        self.uri = uri
        self._store = SqlStore("sqlite" + uri.removeprefix("awkward"))
        self._switch = Path(uri.removeprefix("awkward:///")).with_name("way")

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._store, name)
        return lambda *args, **kwargs: self._call(method, *args, **kwargs)

    def _call(self, method: Any, *args: Any, **kwargs: Any) -> Any:
        way = self._way()
        while way == "hang":
            time.sleep(0.01)
            way = self._way()
        if way in WAYS:
            raise WAYS[way]
        result = method(*args, **kwargs)
        if way == "forget" and method.__name__ == "write":
            raise StoreUnavailable("no answer came")
        return result

    def _way(self) -> str:
        try:
            return self._switch.read_text()
        except FileNotFoundError:
            return ""


@hookimpl
def steno_register_stores(register: Any) -> None:
    register.runs("awkward", f"{__name__}:AwkwardStore")


class Gate:
    """Withholds every batch while it is shut, and edits those it lets pass."""

    shut = False

    def __init__(self) -> None:
        self.seen = 0

    @hookimpl
    def steno_before_write(self, run_id: str, batch: Any) -> None:
        self.seen += 1
        if self.shut:
            raise RuntimeError("not now")
        if "password" in batch.params:
            batch.params["password"] = "***"
