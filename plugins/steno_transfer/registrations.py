"""Registered models with their versions, stages and aliases, written into a registry under the numbers they have."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress

from steno.contracts.registry import RegistryStore
from steno.errors import NotFound, StenoError, StoreUnavailable
from steno.model_records import ModelVersion, ModelVersionStatus, RegisteredModel, Stage
from steno.queries import Compare, Entity, Field, RegistryQuery

from steno_transfer.carrier import COMPLETE, FROM, WHOLE, Origin, own_tags
from steno_transfer.report import Report
from steno_transfer.whole import ForeignRegistration

GAP = 1000
"""Numbers of deleted versions that are used up in a row, so that those after them keep theirs."""
_USED_UP = "used up"


class RegistrationCarrier:
    """Writes registered models, each version once, after the runs and logged models they are made of.

    A version keeps its number where the target has no model of that name, or has it from here: the numbers of versions
    that were deleted at the source are used up. Otherwise it becomes the next one, and that is reported.

    Args:
        registry: Where to.
        origin: Where from.
        report: Told what was carried, and what not.
        moved: Says where what lay at a URI of the source lies at the target.
    """

    def __init__(self, registry: RegistryStore, origin: Origin, report: Report, moved: Callable[[str], str]) -> None:
        self._registry, self._origin, self._report = registry, origin, report
        self._moved = moved

    def carry(self, foreign: ForeignRegistration) -> None:
        """Write a registered model. What cannot be written of it is reported. Raises: StoreUnavailable."""
        name = foreign.model.name
        try:
            there = self._model(foreign.model)
            self._carry_versions(foreign, there)
        except StoreUnavailable:
            raise
        except StenoError as error:
            self._report.leave(f"registered model {name}: {error}")

    def _model(self, model: RegisteredModel) -> RegisteredModel:
        tags = own_tags(model.tags)
        with suppress(NotFound):
            found = self._registry.get_registered_model(model.name)
            missing = {key: value for key, value in tags.items() if key not in found.tags}
            if missing:
                self._registry.set_registered_model_tags(model.name, missing)
            if model.description and not found.description:
                self._registry.describe_registered_model(model.name, model.description)
            return found
        origin = {FROM: f"{self._origin}#{model.name}"}
        self._report.count(registered_models=1)
        return self._registry.create_registered_model(
            model.name, tags={**tags, **origin}, description=model.description
        )

    def _carry_versions(self, foreign: ForeignRegistration, there: RegisteredModel) -> None:
        name, known = there.name, self._versions(there.name)
        carried = {each.tags[FROM]: each for each in known if FROM in each.tags}
        is_ours = FROM in there.tags and all(FROM in each.tags for each in known)
        highest = max((int(each.version) for each in known), default=0)
        numbers: dict[str, str] = {}
        for version in foreign.versions:
            key = f"{self._origin}#{name}/{version.version}"
            made = carried.get(key)
            if made is None:
                if is_ours and 0 < int(version.version) - highest - 1 <= GAP:
                    self._use_up(version, int(version.version) - highest - 1)
                made = self._make(version, key)
                highest = int(made.version)
                self._report.count(model_versions=1)
            else:
                self._report.already_there += 1
            if made.tags.get(COMPLETE) != WHOLE:
                self._finish(made, version)
            numbers[version.version] = made.version
            if made.version != version.version:
                self._report.renamed.append(f"version {version.version} of model {name} is {made.version} here")
        self._remove_used_up(name)
        self._set_aliases(foreign.model, there, numbers)

    def _versions(self, name: str) -> list[ModelVersion]:
        where = Compare(Field(Entity.ATTRIBUTE, "name"), "=", name)
        found: list[ModelVersion] = []
        token: str | None = None
        while True:
            page = self._registry.search_model_versions(RegistryQuery(where, page_token=token))
            found += page
            token = page.token
            if token is None:
                return found

    def _use_up(self, version: ModelVersion, count: int) -> None:
        """Use up the numbers before a version; its own source is one that a server takes."""
        for _ in range(count):
            self._registry.create_model_version(
                version.name,
                self._moved(version.source),
                run_id=version.run_id,
                model_id=_model_id(version),
                tags={FROM: _USED_UP},
            )

    def _remove_used_up(self, name: str) -> None:
        # Only now that higher ones are there: MLflow gives the number of its highest version again.
        for each in self._versions(name):
            if each.tags.get(FROM) == _USED_UP:
                self._registry.delete_model_version(name, each.version)

    def _make(self, version: ModelVersion, key: str) -> ModelVersion:
        source = self._moved(version.source)
        # Of a copy; any other source says itself where the files are.
        is_copy = source.startswith("models:/") and not _model_id(version)
        return self._registry.create_model_version(
            version.name,
            source,
            location=self._moved(version.location) if is_copy else "",
            run_id=version.run_id,
            model_id=_model_id(version),
            tags={**own_tags(version.tags), FROM: key},
            run_link=version.run_link,
            description=version.description,
            user=version.user_id,
        )

    def _finish(self, made: ModelVersion, version: ModelVersion) -> None:
        """Move a version to its stage, which is done again if it was interrupted."""
        name, number = made.name, made.version
        if version.current_stage in set(Stage) and version.current_stage != made.current_stage:
            self._registry.transition_model_version_stage(name, number, version.current_stage)
        if version.status != ModelVersionStatus.READY:
            self._report.leave(f"version {number} of model {name} was {version.status}, and is READY here")
        self._registry.set_model_version_tags(name, number, {COMPLETE: WHOLE})

    def _set_aliases(self, model: RegisteredModel, there: RegisteredModel, numbers: Mapping[str, str]) -> None:
        for alias, version in model.aliases.items():
            here, wanted = there.aliases.get(alias), numbers.get(version)
            if wanted is None:
                self._report.leave(f"alias {alias} of model {model.name}: there is no version {version}")
            elif here is None:
                self._registry.set_registered_model_alias(model.name, alias, wanted)
                self._report.count(aliases=1)
            elif here != wanted and FROM not in there.tags:
                self._report.leave(f"alias {alias} of model {model.name} stands for version {here} here already")


def _model_id(version: ModelVersion) -> str:
    """Return the logged model that a version is made of; MLflow's stores often tell it in the source alone."""
    named = version.source.removeprefix("models:/")
    return version.model_id or (named if named != version.source and named.startswith("m-") else "")
