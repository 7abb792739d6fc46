"""Errors on MLflow's wire: a code and a message, both ways."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from steno.errors import (
    AlreadyExists,
    InvalidValue,
    NotFound,
    RunStateError,
    StenoError,
    StoreError,
    StoreReadOnly,
    StoreUnavailable,
)


class Failure(Struct):
    """The body of an answer that is no success."""

    error_code: str = "INTERNAL_ERROR"
    message: str = ""


_CODES: dict[str, type[StenoError]] = {
    "INVALID_PARAMETER_VALUE": InvalidValue,
    "BAD_REQUEST": InvalidValue,
    "MALFORMED_REQUEST": InvalidValue,
    "RESOURCE_DOES_NOT_EXIST": NotFound,
    "NOT_FOUND": NotFound,
    "RESOURCE_ALREADY_EXISTS": AlreadyExists,
    "ALREADY_EXISTS": AlreadyExists,
    "INVALID_STATE": RunStateError,
    "PERMISSION_DENIED": StoreReadOnly,
    "TEMPORARILY_UNAVAILABLE": StoreUnavailable,
    "REQUEST_LIMIT_EXCEEDED": StoreUnavailable,
    "RESOURCE_EXHAUSTED": StoreUnavailable,
    "RESOURCE_CONFLICT": StoreUnavailable,
    "ABORTED": StoreUnavailable,
    "CANCELLED": StoreUnavailable,
    "DEADLINE_EXCEEDED": StoreUnavailable,
}
_LATER = frozenset({408, 425, 429, 500, 502, 503, 504})


def failure_of(error: StenoError) -> tuple[int, Failure]:
    """Return the HTTP status and body for an error; a deleted run or experiment is an invalid value to MLflow."""
    if isinstance(error, RunStateError):
        return InvalidValue.http_status, Failure(InvalidValue.code, error.message)
    return error.http_status, Failure(error.code, error.message)


def error_of(status: int, body: bytes, what: str) -> StenoError:
    """Return the error that an answer of a server means.

    Args:
        status: Its HTTP status, not 200.
        body: Perhaps a `Failure`, perhaps a page of some proxy.
        what: What was asked, for the message.
    """
    try:
        failure = msgspec.json.decode(body, type=Failure)
        code, said = failure.error_code, failure.message
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        code, said = "", ""
    kind = _CODES.get(code) or (StoreUnavailable if status in _LATER else StoreError)
    return kind(said or f"{what}: the server answered {status}")
