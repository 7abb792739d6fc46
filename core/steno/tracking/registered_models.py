"""Registered models: names with versions, aliases, tags, and a trail of who changed what when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from steno import settings
from steno.queries import RegistryQuery
from steno.records import Page
from steno.registry import rules
from steno.tracking import limits, places
from steno.tracking.search import parse_registered_models
from steno.tracking.version_changes import telling, with_origins

if TYPE_CHECKING:
    from datetime import date, datetime

    from steno.contracts.registry import RegistryStore
    from steno.model_records import ModelVersion, RegisteredModel, RegistryEvent

MOST_MODELS = 1000
_EVENTS = 1000


class RegisteredModelMethods:
    """The part of a client that deals in registered models.

    Every method that names a model raises NotFound if there is none, and InvalidValue for what cannot be a name.
    """

    @property
    def tracking_uri(self) -> str:
        """The address of the store of runs."""
        raise AttributeError("given by the client")

    @property
    def registry_uri(self) -> str:
        """The address of the store of registered models."""
        raise AttributeError("given by the client")

    @property
    def registry(self) -> RegistryStore:
        """The store of registered models itself."""
        return places.registry_store(self.registry_uri)

    def create_registered_model(
        self,
        name: str,
        tags: Mapping[str, Any] | None = None,
        description: str | None = None,
        deployment_job_id: str | None = None,
    ) -> RegisteredModel:
        """Create a model without versions. Raises: AlreadyExists, InvalidValue."""
        chosen, given, text = rules.model_name(name), limits.registry_tags(tags or {}), rules.description(description)
        return self.registry.create_registered_model(chosen, tags=given, description=text, user=user())

    def get_registered_model(self, name: str) -> RegisteredModel:
        """Return a model."""
        return self.registry.get_registered_model(rules.model_name(name))

    def search_registered_models(
        self,
        filter_string: str | None = None,
        max_results: int = 100,
        order_by: Sequence[str] | None = None,
        page_token: str | None = None,
    ) -> Page[RegisteredModel]:
        """Return one page of models, by name if nothing else is asked for. Raises: FilterError, InvalidValue."""
        where, order = parse_registered_models(filter_string, order_by or ())
        size = limits.page_size(max_results, MOST_MODELS)
        return self.registry.search_registered_models(RegistryQuery(where, order, size, page_token))

    def rename_registered_model(self, name: str, new_name: str) -> RegisteredModel:
        """Rename a model, with its versions, tags and aliases. Raises: AlreadyExists."""
        old, new = rules.model_name(name), rules.model_name(new_name)
        with telling(self.registry, old, None, renamed=new) as registry:
            return registry.rename_registered_model(old, new, user=user())

    def update_registered_model(
        self, name: str, description: str | None = None, deployment_job_id: str | None = None
    ) -> RegisteredModel:
        """Set a model's description; None clears it."""
        text = rules.description(description)
        return self.registry.describe_registered_model(rules.model_name(name), text, user=user())

    def delete_registered_model(self, name: str) -> None:
        """Remove a model and its versions for good; the files they point to stay where they are."""
        with telling(self.registry, rules.model_name(name), None) as registry:
            registry.delete_registered_model(name, user=user())

    def set_registered_model_tag(self, name: str, key: str, value: Any) -> None:
        """Set a tag. Raises: InvalidValue."""
        tags = limits.registry_tags({key: value})
        self.registry.set_registered_model_tags(rules.model_name(name), tags, user=user())

    def delete_registered_model_tag(self, name: str, key: str) -> None:
        """Remove a tag; one that is not there is no error."""
        self.registry.delete_registered_model_tag(rules.model_name(name), limits.check_key("tag", key), user=user())

    def set_registered_model_alias(self, name: str, alias: str, version: str | int) -> None:
        """Let an alias stand for a version, and no longer for another. Raises: InvalidValue."""
        model, chosen, number = rules.model_name(name), rules.alias(alias), rules.version(version)
        with telling(self.registry, model, self._behind(model, chosen, number)) as registry:
            registry.set_registered_model_alias(model, chosen, number, user=user())

    def delete_registered_model_alias(self, name: str, alias: str) -> None:
        """Remove an alias; one that is not there is no error."""
        model, chosen = rules.model_name(name), rules.alias(alias)
        with telling(self.registry, model, self._behind(model, chosen)) as registry:
            registry.delete_registered_model_alias(model, chosen, user=user())

    # -- the trail -------------------------------------------------------------------------------------------

    def get_registry_events(
        self, name: str | None = None, until: date | datetime | str | int | None = None
    ) -> list[RegistryEvent]:
        """Return who changed what when, oldest first: everything, or what became of one model, deleted ones too.

        Args:
            name: A name that the model has or had.
            until: Only up to then, inclusive: epoch milliseconds, a datetime or date, or one as ISO text. A date
                means its end; what has no zone is in the zone of this machine.

        Raises:
            InvalidValue: `until` is no time.
        """
        from steno.tracking import moments

        model = None if name is None else rules.model_name(name)
        end = None if until is None else moments.time_ms(until)
        found: list[RegistryEvent] = []
        while True:
            after = found[-1].number if found else 0
            page = self.registry.registry_events(model, until_ms=end, after=after, limit=_EVENTS)
            found += page
            if len(page) < _EVENTS:
                return found

    def get_registry_at(
        self, when: date | datetime | str | int, name: str | None = None
    ) -> tuple[list[RegisteredModel], list[ModelVersion]]:
        """Return the models and versions as they stood at a time, from the trail: what was in production then, say.

        A version that is still there under the same name also tells the run and model it came from.

        Args:
            when: As `until` of `get_registry_events`.
            name: Only this model, under the name it had then.

        Raises:
            InvalidValue: `when` is no time.
        """
        from steno.registry.standing import standing
        from steno.tracking import moments

        models, versions = standing(self.get_registry_events(name, moments.time_ms(when)))
        versions = with_origins(self.registry, [each for each in versions if name in (None, each.name)])
        return [each for each in models if name in (None, each.name)], versions

    def _behind(self, name: str, alias: str, *more: str) -> list[str]:
        """The version that an alias stands for, if any, and others."""
        standing_for = self.registry.get_registered_model(name).aliases.get(alias)
        return sorted({*more, *([standing_for] if standing_for else [])})


def user() -> str:
    """Who asks: the name that was set, or the system's."""
    import getpass

    try:
        return settings.load().username or getpass.getuser()
    except (KeyError, OSError):  # no name for this uid, as in some containers
        return ""
