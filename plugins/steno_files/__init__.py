"""Artifacts in a folder of this machine."""

from __future__ import annotations

from steno.hookspecs import hookimpl
from steno.plugins.registers import StoreRegister


@hookimpl
def steno_register_stores(register: StoreRegister) -> None:
    register.artifacts("file", "steno_files.store:FileStore")
