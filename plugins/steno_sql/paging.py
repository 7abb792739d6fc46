"""Page tokens: opaque, and bound to the search that they continue."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Sequence
from typing import TypeAlias

import msgspec
from sqlalchemy import ColumnElement, Connection, func, select
from steno.errors import InvalidValue
from steno.queries import MAX_RESULTS, ExperimentQuery, LoggedModelQuery, RegistryQuery, RunQuery

Query: TypeAlias = RunQuery | ExperimentQuery | LoggedModelQuery | RegistryQuery


class Place(msgspec.Struct, array_like=True, frozen=True):
    """Where a page begins.

    Attributes:
        search: Which search it belongs to.
        offset: How many results come before it.
        newest: The highest row the first page knew: what began later does not shift the pages after it.
    """

    search: str
    offset: int = 0
    newest: int | None = None


def place_of(query: Query, *, most: int = MAX_RESULTS, of: str = "") -> Place:
    """Return where the page of a query begins.

    Args:
        query: The search.
        most: The longest page there is.
        of: What is searched, where the kind of query does not say it.

    Raises:
        InvalidValue: The token is none of ours or belongs to another search; or `max_results` is out of range.
    """
    if not 1 <= query.max_results <= most:
        raise InvalidValue(f"max_results is {query.max_results}: give 1 to {most}")
    search = _fingerprint(query, of)
    if not query.page_token:
        return Place(search)
    try:
        place = msgspec.json.decode(base64.urlsafe_b64decode(query.page_token), type=Place)
    except (ValueError, binascii.Error) as error:
        raise InvalidValue(f"page token {query.page_token!r} is not one that a search returned") from error
    if place.search != search or not 0 <= place.offset < 2**62:
        raise InvalidValue("this page token belongs to another search: use it with the search that returned it")
    return place


def next_token(
    connection: Connection, place: Place, rows: Sequence[object], query: Query, number: ColumnElement[int]
) -> str | None:
    """Return the token of the page after `rows`, of which one too many were asked for; None when this was the last."""
    if len(rows) <= query.max_results:
        return None
    return token_after(place, query.max_results, connection.scalar(select(func.max(number))) or 0)


def token_after(place: Place, count: int, newest: int) -> str:
    """Return the token of the page that follows `count` results; `newest` is the highest row there is now."""
    known = newest if place.newest is None else place.newest
    following = Place(place.search, place.offset + count, known)
    return base64.urlsafe_b64encode(msgspec.json.encode(following)).decode()


def _fingerprint(query: Query, of: str) -> str:
    bound = msgspec.structs.replace(query, page_token=None, max_results=1)
    return hashlib.blake2b((of + repr(bound)).encode("utf-8", "surrogatepass"), digest_size=9).hexdigest()
