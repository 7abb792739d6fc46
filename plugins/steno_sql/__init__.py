"""Runs and registered models in a SQL database: the embedded store of steno, one SQLite file."""

from __future__ import annotations

from steno.hookspecs import hookimpl
from steno.plugins.registers import StoreRegister


@hookimpl
def steno_register_stores(register: StoreRegister) -> None:
    register.runs("sqlite", "steno_sql.store:SqlStore", remedy="")
    register.models("sqlite", "steno_sql.registry.store:SqlRegistry", remedy="")
