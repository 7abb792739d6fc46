"""What stood where at a time: the audit trail, played back."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from msgspec.structs import replace

from steno.model_records import Change, ModelVersion, RegisteredModel, RegistryEvent, Stage

_Models = dict[str, RegisteredModel]
_Versions = dict[str, dict[str, ModelVersion]]


def standing(events: Iterable[RegistryEvent]) -> tuple[list[RegisteredModel], list[ModelVersion]]:
    """Return the models and versions as they stood after the last of some events, by name and number.

    Args:
        events: Of a store or of one model, from the first on, in their order. What the trail does not hold (runs,
            ids) is empty in the result.
    """
    told = _Told()
    for event in events:
        play = _PLAYED.get(event.change)
        if play is not None:  # a later steno may tell of more
            play(told, event)
    versions = [
        replace(each, aliases=sorted(a for a, number in model.aliases.items() if number == each.version))
        for name, model in sorted(told.models.items())
        for each in sorted(told.versions[name].values(), key=lambda version: int(version.version))
    ]
    return [replace(model, latest_versions=_latest(versions, name)) for name, model in sorted(told.models.items())], (
        versions
    )


def _latest(versions: list[ModelVersion], name: str) -> list[ModelVersion]:
    found = {each.current_stage: each for each in versions if each.name == name}  # the last of each is the highest
    return [found[stage] for stage in Stage if stage in found]


class _Told:
    """Models and versions as far as the events have been played."""

    def __init__(self) -> None:
        self.models: _Models = {}
        self.versions: _Versions = {}

    def create_model(self, event: RegistryEvent) -> None:
        self.models[event.name] = RegisteredModel(
            event.name, creation_timestamp=event.time_ms, last_updated_timestamp=event.time_ms
        )
        self.versions[event.name] = {}

    def delete_model(self, event: RegistryEvent) -> None:
        self.models.pop(event.name, None)
        self.versions.pop(event.name, None)

    def rename_model(self, event: RegistryEvent) -> None:
        old, new = event.before or event.name, event.after or event.name
        model = self.models.pop(old, None)
        if model is not None:
            self.models[new] = replace(model, name=new, last_updated_timestamp=event.time_ms)
            moved = self.versions.pop(old)
            self.versions[new] = {number: replace(each, name=new) for number, each in moved.items()}

    def describe_model(self, event: RegistryEvent) -> None:
        self._model(event, description=event.after or "")

    def tag_model(self, event: RegistryEvent) -> None:
        if event.name in self.models:
            self._model(event, tags=_with(self.models[event.name].tags, event))

    def create_version(self, event: RegistryEvent) -> None:
        if event.name in self.models:
            self.versions[event.name][event.version] = ModelVersion(
                event.name,
                event.version,
                event.after or "",
                user_id=event.user,
                creation_timestamp=event.time_ms,
                last_updated_timestamp=event.time_ms,
            )

    def delete_version(self, event: RegistryEvent) -> None:
        self.versions.get(event.name, {}).pop(event.version, None)
        model = self.models.get(event.name)
        if model is not None:
            left = {alias: number for alias, number in model.aliases.items() if number != event.version}
            self.models[event.name] = replace(model, aliases=left)

    def describe_version(self, event: RegistryEvent) -> None:
        self._version(event, description=event.after or "")

    def tag_version(self, event: RegistryEvent) -> None:
        version = self.versions.get(event.name, {}).get(event.version)
        if version is not None:
            self._version(event, tags=_with(version.tags, event))

    def move(self, event: RegistryEvent) -> None:
        self._version(event, current_stage=event.after or Stage.NONE)

    def point(self, event: RegistryEvent) -> None:
        if event.name in self.models:
            self._model(event, aliases=_with(self.models[event.name].aliases, event))

    def _model(self, event: RegistryEvent, **changes: object) -> None:
        model = self.models.get(event.name)
        if model is not None:
            self.models[event.name] = replace(model, last_updated_timestamp=event.time_ms, **changes)

    def _version(self, event: RegistryEvent, **changes: object) -> None:
        versions = self.versions.get(event.name, {})
        version = versions.get(event.version)
        if version is not None:
            versions[event.version] = replace(version, last_updated_timestamp=event.time_ms, **changes)


def _with(values: dict[str, str], event: RegistryEvent) -> dict[str, str]:
    left = {key: value for key, value in values.items() if key != event.key}
    return left if event.after is None else {**left, event.key: event.after}


_PLAYED: dict[str, Callable[[_Told, RegistryEvent], None]] = {
    Change.MODEL_CREATED: _Told.create_model,
    Change.MODEL_RENAMED: _Told.rename_model,
    Change.MODEL_DESCRIBED: _Told.describe_model,
    Change.MODEL_DELETED: _Told.delete_model,
    Change.MODEL_TAG: _Told.tag_model,
    Change.VERSION_CREATED: _Told.create_version,
    Change.VERSION_DESCRIBED: _Told.describe_version,
    Change.VERSION_DELETED: _Told.delete_version,
    Change.VERSION_TAG: _Told.tag_version,
    Change.STAGE: _Told.move,
    Change.ALIAS: _Told.point,
}
