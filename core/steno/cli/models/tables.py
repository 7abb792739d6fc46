"""Registered models, versions and changes as tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from steno.cli.formats import local_time
from steno.cli.tables import table

if TYPE_CHECKING:
    from rich.table import Table

    from steno.model_records import ModelVersion, RegisteredModel, RegistryEvent


def model_list(models: Sequence[RegisteredModel]) -> Table:
    """A line a model."""
    rows = [
        [
            model.name,
            str(max((int(each.version) for each in model.latest_versions), default="")),
            ", ".join(f"{each.current_stage} {each.version}" for each in _staged(model.latest_versions)),
            ", ".join(f"@{alias} {version}" for alias, version in sorted(model.aliases.items())),
            local_time(model.last_updated_timestamp),
            model.description,
        ]
        for model in models
    ]
    return table(["name", ">latest", "stages", "aliases", "last change", "description"], rows)


def version_list(versions: Sequence[ModelVersion], *, named: bool = False) -> Table:
    """A line a version, with the model's name where there may be several."""
    rows = [
        [
            *([each.name] if named else []),
            each.version,
            each.current_stage if each in _staged([each]) else "",
            ", ".join(f"@{alias}" for alias in each.aliases),
            local_time(each.creation_timestamp),
            each.user_id,
            each.run_id[-8:],
            each.description or each.source,
        ]
        for each in versions
    ]
    head = ["stage", "aliases", "registered", "by", "run", "description or source"]
    return table([*(["name"] if named else []), ">version", *head], rows)


def event_list(events: Sequence[RegistryEvent]) -> Table:
    """A line a change, with its time to the second."""
    rows = [
        [
            _exact(event.time_ms),
            event.user,
            f"{event.name}/{event.version}" if event.version else event.name,
            f"{event.change} {event.key}".strip(),
            "" if event.before is None else event.before,
            "" if event.after is None else event.after,
        ]
        for event in events
    ]
    return table(["when", "who", "what", "change", "before", "after"], rows)


def _staged(versions: Sequence[ModelVersion]) -> list[ModelVersion]:
    return [each for each in versions if each.current_stage != "None"]


def _exact(time_ms: int) -> str:
    from datetime import datetime

    return datetime.fromtimestamp(time_ms / 1000).strftime("%Y-%m-%d %H:%M:%S")
