"""Addresses of PostgreSQL: what libpq makes of them, our own parameter taken out, and shown without a password."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict
from steno.errors import InvalidValue

_DRIVERS = ("", "psycopg", "psycopg2")  # the second is what users of MLflow have in their addresses
_ELSEWHERE = frozenset({"user", "host", "port", "dbname", "password", "passfile", "sslpassword", "sslkey"})
"""What stands elsewhere in an address that is shown, or nowhere."""


@dataclass(frozen=True)
class Address:
    """Where a database is.

    Attributes:
        parameters: What libpq is told.
        artifacts: Where experiments keep artifacts unless they say otherwise.
        shown: The address without secrets.
    """

    parameters: dict[str, Any]
    artifacts: str
    shown: str

    @classmethod
    def of(cls, uri: str) -> Address:
        """Take an address apart. Raises: InvalidValue."""
        scheme, _, rest = uri.partition("://")
        driver = scheme.partition("+")[2]
        if driver not in _DRIVERS:
            raise InvalidValue(f"PostgreSQL is spoken to by way of psycopg, not {driver}: write postgresql://...")
        place, _, query = rest.partition("?")
        pairs = parse_qsl(query, keep_blank_values=True)
        artifacts = dict(pairs).get("artifacts") or f"{Path.cwd()}/stenoruns/artifacts"
        told = urlencode([pair for pair in pairs if pair[0] != "artifacts"], quote_via=quote)
        try:
            parameters = conninfo_to_dict(f"postgresql://{place}?{told}" if told else f"postgresql://{place}")
        except ProgrammingError as error:  # which repeats what libpq was given, login and all
            raise _unreadable(str(error).partition(":")[0].strip()) from None
        if not str(parameters.get("port", "0")).replace(",", "").isdecimal():  # where a / in a password leads to
            raise _unreadable("the port is no number")
        return cls(parameters, artifacts.rstrip("/"), _shown(parameters))


def _unreadable(reason: str) -> InvalidValue:
    return InvalidValue(
        f"this address of PostgreSQL cannot be read ({reason}): write postgresql://user:password@host:5432/name, "
        f"with %40, %2F or %3A for a @, / or : in the password"
    )


def _shown(parameters: dict[str, Any]) -> str:
    user, host, port = (str(parameters.get(name, "")) for name in ("user", "host", "port"))
    local = host.startswith("/")  # the folder of a socket
    begin = f"{quote(user)}@" if user else ""
    place = begin + ("" if local else host) + (f":{port}" if port and not local else "")
    more = {name: value for name, value in parameters.items() if name not in _ELSEWHERE}
    if local:
        more = {"host": host, **({"port": port} if port else {}), **more}
    shown = f"postgresql://{place}/{quote(str(parameters.get('dbname', '')))}"
    return f"{shown}?{urlencode(more, quote_via=quote, safe='/')}" if more else shown
