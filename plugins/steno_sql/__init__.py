"""Runs and registered models in a SQL database: one SQLite file, the embedded store of steno, or PostgreSQL."""

from __future__ import annotations

from steno.hookspecs import hookimpl
from steno.plugins.registers import StoreRegister


@hookimpl
def steno_register_stores(register: StoreRegister) -> None:
    for scheme in ("sqlite", "postgresql", "postgres"):
        remedy = "" if scheme == "sqlite" else "steno[postgresql]"
        register.runs(scheme, "steno_sql.store:SqlStore", remedy=remedy)
        register.models(scheme, "steno_sql.registry.store:SqlRegistry", remedy=remedy)
