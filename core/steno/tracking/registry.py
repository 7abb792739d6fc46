"""Registered models as MLflow's users call them, without a client."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from steno.model_records import ModelVersion, RegisteredModel
from steno.records import Page
from steno.tracking.client import Client
from steno.tracking.model_versions import DEFAULT_VERSIONS
from steno.tracking.registered_models import MOST_MODELS

T = TypeVar("T")
_client = Client()


def register_model(
    model_uri: str,
    name: str,
    await_registration_for: int | None = 300,
    *,
    tags: Mapping[str, Any] | None = None,
    env_pack: Any = None,
) -> ModelVersion:
    """Make a logged model the next version of a registered one, which is created if it is missing.

    Args:
        model_uri: `runs:/<run id>/<path>`, a folder, an artifact URI, or a URI of a model or version.
        name: The registered model's name.
        await_registration_for: Accepted as MLflow's users give it; versions are ready at once.
        tags: Of the version.
        env_pack: Accepted as MLflow's users give it; no environment is packed.

    Raises:
        NotFound: There is no model at the URI.
        InvalidValue: The name or URI is not allowed.
    """
    return _client.register_model(model_uri, name, tags=tags)


def search_registered_models(
    max_results: int | None = None, filter_string: str | None = None, order_by: Sequence[str] | None = None
) -> list[RegisteredModel]:
    """Return all registered models that match. Raises: FilterError, InvalidValue."""

    def page(size: int, token: str | None) -> Page[RegisteredModel]:
        return _client.search_registered_models(filter_string, size, order_by, token)

    return _all(page, MOST_MODELS, max_results)


def search_model_versions(
    max_results: int | None = None, filter_string: str | None = None, order_by: Sequence[str] | None = None
) -> list[ModelVersion]:
    """Return all model versions that match. Raises: FilterError, InvalidValue."""

    def page(size: int, token: str | None) -> Page[ModelVersion]:
        return _client.search_model_versions(filter_string, size, order_by, token)

    return _all(page, DEFAULT_VERSIONS, max_results)


def set_model_version_tag(
    name: str, version: str | int | None = None, key: str | None = None, value: Any = None
) -> None:
    """Set a tag on a version of a registered model. Raises: NotFound, InvalidValue."""
    _client.set_model_version_tag(name, version, key, value)


def _all(search: Callable[[int, str | None], Page[T]], largest: int, most: int | None) -> list[T]:
    found: list[T] = []
    token: str | None = None
    while True:
        page = search(largest if most is None else min(largest, most - len(found)), token)
        found += page
        token = page.token
        if token is None or len(found) == most:
            return found
