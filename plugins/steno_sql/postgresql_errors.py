"""What errors of PostgreSQL and its driver mean to a caller of a store."""

from __future__ import annotations

import psycopg
from steno.errors import InvalidValue, StenoError, StoreError, StoreReadOnly, StoreUnavailable

_MAY_NOT = "42501"
_LATER = ("08", "53", "57P", "58", "40001", "40P01", "55P03", "57014")
"""Codes, or how they begin: connections, resources, shutdowns, the disk; conflicts with other writes, time limits."""
_DOES_NOT_FIT = ("22", "54")
_READ_ONLY = "25006"
_NO_REMEDY = "check the address and that the server runs"
_REMEDIES = {
    "password": "give the login in the address (postgresql://user:password@host/name), in PGPASSWORD or in ~/.pgpass",
    "pg_hba.conf": "let the server's pg_hba.conf admit this user from here",
    "does not exist": "make it with CREATE DATABASE or CREATE ROLE, or correct the address",
    "too many": "let fewer processes use it, or raise max_connections",
    "remaining connection slots": "let fewer processes use it, or raise max_connections",
    "translate host name": "correct the host in the address",
    "Name or service not known": "correct the host in the address",
}


def store_error(error: BaseException | None, where: str) -> StenoError:
    """Return what a caller is told. `where`: the address, without a password."""
    code, reason = getattr(error, "sqlstate", None) or "", _reason(error)
    if code == _MAY_NOT:
        return StoreReadOnly(
            f"{where} lets this user do less than a store needs ({reason}): "
            f"GRANT it the tables, and CREATE ON SCHEMA for the first process of a new version"
        )
    if code == _READ_ONLY:
        return StoreReadOnly(f"{where} cannot be written ({reason}): give the address of the primary server")
    if code.startswith(_DOES_NOT_FIT) or (not code and isinstance(error, psycopg.DataError)):
        return InvalidValue(f"a value does not fit into {where}: {reason}")
    if code.startswith(_LATER) or (isinstance(error, psycopg.OperationalError) and not code):
        return StoreUnavailable(f"{where} cannot be used now ({reason}): {_remedy(reason)}")
    if code.startswith(("28", "3D")):
        return StoreUnavailable(f"{where} cannot be used ({reason}): {_remedy(reason)}")
    return StoreError(f"{where}: {reason}")


def _reason(error: BaseException | None) -> str:
    told = getattr(getattr(error, "diag", None), "message_primary", None) or str(error)
    lines = [line.strip() for line in told.splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__).removeprefix("connection failed: ")


def _remedy(reason: str) -> str:
    return next((remedy for sign, remedy in _REMEDIES.items() if sign in reason), _NO_REMEDY)
