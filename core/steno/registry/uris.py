"""`models:/churn/3`, `models:/churn@champion`, `models:/churn/Production`, `models:/churn/latest`, `models:/m-…`.

A path may follow, to something inside the model: `models:/churn/3/code`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec import Struct

from steno.errors import InvalidValue, NotFound
from steno.model_records import ModelVersion, Stage
from steno.registry import rules

if TYPE_CHECKING:
    from steno.contracts.registry import RegistryStore

_MODEL_ID = re.compile(r"m-[0-9a-f]{32}")
_STAGES = {stage.casefold() for stage in Stage}
_FORMS = "models:/<name>/<version>, models:/<name>@<alias>, models:/<name>/<stage>, models:/<name>/latest, models:/<id>"


class ModelUri(Struct, frozen=True):
    """What a URI of a model names: a model id, or a name with one of version, alias, stage; without any, the latest."""

    model_id: str = ""
    name: str = ""
    version: str = ""
    alias: str = ""
    stage: str = ""
    path: str = ""

    def __str__(self) -> str:
        if self.model_id:
            whole = self.model_id
        elif self.alias:
            whole = f"{self.name}@{self.alias}"
        else:
            whole = f"{self.name}/{self.version or self.stage or rules.LATEST}"
        return f"{rules.MODELS}/{whole}{'/' if self.path else ''}{self.path}"


def is_model_uri(uri: str) -> bool:
    """Say whether a URI is one of the registry's, well formed or not."""
    return uri.startswith(rules.MODELS)


def parse_model_uri(uri: str) -> ModelUri:
    """Read a URI of a model. Raises: InvalidValue with the forms there are."""
    rest = uri.removeprefix(rules.MODELS)
    if not is_model_uri(uri) or not rest.startswith("/") or (rest.startswith("//") and not rest.startswith("///")):
        raise InvalidValue(f"{uri!r} is no URI of a model; it is of the form {_FORMS}")
    rest = rest.strip("/")
    first, _, tail = rest.partition("/")
    second, _, path = tail.partition("/")
    name, at, alias = first.rpartition("@")
    if _MODEL_ID.fullmatch(first):
        return ModelUri(model_id=first, path=tail)
    if second.isdecimal():
        return ModelUri(name=rules.model_name(first), version=rules.version(second), path=path)
    if second.casefold() == rules.LATEST:
        return ModelUri(name=rules.model_name(first), path=path)
    if second.casefold() in _STAGES:
        return ModelUri(name=rules.model_name(first), stage=rules.stage(second), path=path)
    if at:
        # "latest" is no alias that can be set, but may be asked for like one.
        latest = alias.casefold() == rules.LATEST
        return ModelUri(name=rules.model_name(name), alias="" if latest else rules.alias(alias), path=tail)
    if first and not second:
        return ModelUri(model_id=first)
    if not first:
        raise InvalidValue(f"{uri!r} names no model; a URI of one is of the form {_FORMS}")
    raise InvalidValue(
        f"{uri!r}: {second!r} is no version and none of the stages {', '.join(Stage)}; "
        f"an alias is written models:/{first}@{second}"
    )


def find_version(store: RegistryStore, uri: ModelUri) -> ModelVersion:
    """Return the version that a URI stands for now.

    Raises:
        NotFound: There is no such model or version, or none in the stage.
        InvalidValue: The model has no such alias, or the URI names no version but a model id.
    """
    if uri.model_id:
        raise InvalidValue(f"{uri} is the id of a model, not a version of a registered one")
    if uri.version:
        return store.get_model_version(uri.name, uri.version)
    if uri.alias:
        return store.get_model_version_by_alias(uri.name, uri.alias)
    if not uri.stage:
        return highest_version(store, uri.name)
    found = store.get_latest_versions(uri.name, [uri.stage])
    if not found:
        raise NotFound(f"registered model {uri.name!r} has no version in stage {uri.stage}")
    return found[0]


def highest_version(store: RegistryStore, name: str) -> ModelVersion:
    """Return the version of a model with the highest number. Raises: NotFound, also where it has none."""
    found = store.get_latest_versions(name)
    if not found:
        raise NotFound(f"registered model {name!r} has no versions yet")
    return max(found, key=lambda each: int(each.version))
