"""From what a user types to the registered model or version that is meant, and options that several commands share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from steno.errors import InvalidValue

if TYPE_CHECKING:
    from steno.model_records import ModelVersion
    from steno.tracking.client import Client

PREFIX = "models:/"


def is_name(text: str) -> bool:
    """Say whether a MODEL is meant, not one VERSION of it."""
    return not text.startswith(PREFIX) and "/" not in text and "@" not in text


def find_version(client: Client, text: str) -> ModelVersion:
    """Return the VERSION that is meant; of a mere name the highest.

    Raises:
        NotFound: There is no such model or version.
        InvalidValue: It names no version.
    """
    from steno.registry import highest_version

    if is_name(text):
        return highest_version(client.registry, client.get_registered_model(text).name)
    return client.get_model_version_by_uri(text if text.startswith(PREFIX) else PREFIX + text)


def shown(version: ModelVersion) -> str:
    """A version as one types it."""
    return f"{version.name}/{version.version}"


def pairs(texts: Sequence[str]) -> dict[str, str]:
    """Read KEY=VALUE texts; usage error otherwise."""
    unreadable = [text for text in texts if not text.partition("=")[0] or "=" not in text]
    if unreadable:
        raise click.UsageError(f"{unreadable[0]!r} is not of the form KEY=VALUE")
    return {key: value for key, _, value in (text.partition("=") for text in texts)}


def moment(text: str) -> int:
    """Read a time on the command line. Raises: InvalidValue."""
    from steno.tracking import moments

    found = moments.time_ms(text)
    if found < 0:
        raise InvalidValue(f"{text!r} is before 1970")
    return found
