"""What a search may ask about: the prefixes, attributes and comparators of each kind of thing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from steno.queries import Entity, Field, Stat

EQUALITY = ("=", "!=")
ORDERING = (">", ">=", "<", "<=")
MATCHING = ("LIKE", "ILIKE")
MEMBERSHIP = ("IN", "NOT IN")
PRESENCE = ("IS NULL", "IS NOT NULL")


class Kind(NamedTuple):
    """How one field is compared: its operators, whether with numbers, and whether one may order by it.

    `quoted`: its numbers, which are whole, may be written in quotes too.
    """

    operators: tuple[str, ...]
    is_number: bool = False
    orderable: bool = True
    quoted: bool = False


_NUMBER = Kind(EQUALITY + ORDERING, is_number=True)
_TEXT = Kind(EQUALITY + MATCHING)
_TEXT_OR_LIST = Kind(EQUALITY + MATCHING + MEMBERSHIP)
_TEXT_OR_LIST_ONLY = Kind(EQUALITY + MATCHING + MEMBERSHIP, orderable=False)
_ORDER_ONLY = Kind(())
_OPTIONAL_TEXT = Kind(EQUALITY + MATCHING + PRESENCE)
_KEYED = {Entity.METRIC: _NUMBER, Entity.PARAM: _OPTIONAL_TEXT, Entity.TAG: _OPTIONAL_TEXT}


class Subject(NamedTuple):
    """What is searched.

    Attributes:
        prefixes: Every spelling before the dot; the first of each entity is the one messages show.
        names: The closed sets of names, by entity; other entities take any key.
        aliases: Other spellings of attributes.
        unordered: Entities that one may not order by.
    """

    prefixes: Mapping[str, Entity]
    names: Mapping[Entity, Mapping[str, Kind]]
    aliases: Mapping[str, str]
    unordered: frozenset[Entity] = frozenset()

    def kind(self, field: Field) -> Kind:
        """How `field`, which exists, is compared."""
        if field.entity in self.names:
            return self.names[field.entity][field.key]
        return _KEYED[field.entity]

    def orderable(self, field: Field) -> bool:
        """Whether results may be ordered by `field`."""
        return field.entity not in self.unordered and self.kind(field).orderable


RUNS = Subject(
    prefixes={
        "metrics": Entity.METRIC,
        "metric": Entity.METRIC,
        "params": Entity.PARAM,
        "param": Entity.PARAM,
        "parameters": Entity.PARAM,
        "parameter": Entity.PARAM,
        "tags": Entity.TAG,
        "tag": Entity.TAG,
        "attributes": Entity.ATTRIBUTE,
        "attribute": Entity.ATTRIBUTE,
        "attr": Entity.ATTRIBUTE,
        "run": Entity.ATTRIBUTE,
        "datasets": Entity.DATASET,
        "dataset": Entity.DATASET,
    },
    names={
        Entity.ATTRIBUTE: {
            "run_id": _TEXT_OR_LIST,
            "run_name": _TEXT,
            "status": _TEXT,
            "user_id": _TEXT,
            "artifact_uri": _TEXT,
            "start_time": _NUMBER,
            "end_time": _NUMBER,
        },
        Entity.DATASET: {"name": _TEXT_OR_LIST, "digest": _TEXT_OR_LIST, "context": _TEXT_OR_LIST},
    },
    aliases={
        "run name": "run_name",
        "Run name": "run_name",
        "Run Name": "run_name",
        "created": "start_time",
        "Created": "start_time",
    },
    unordered=frozenset({Entity.DATASET}),
)

EXPERIMENTS = Subject(
    prefixes={"tags": Entity.TAG, "tag": Entity.TAG, "attribute": Entity.ATTRIBUTE},
    names={
        Entity.ATTRIBUTE: {
            "name": _TEXT,
            "experiment_id": Kind(EQUALITY + MEMBERSHIP),
            "creation_time": _NUMBER,
            "last_update_time": _NUMBER,
        },
    },
    aliases={},
    unordered=frozenset({Entity.TAG}),
)

MODELS = Subject(
    prefixes={"tags": Entity.TAG, "tag": Entity.TAG, "attribute": Entity.ATTRIBUTE},
    names={Entity.ATTRIBUTE: {"name": _TEXT_OR_LIST, "last_updated_timestamp": _ORDER_ONLY}},
    aliases={"timestamp": "last_updated_timestamp"},
    unordered=frozenset({Entity.TAG}),
)

VERSIONS = Subject(
    prefixes={"tags": Entity.TAG, "tag": Entity.TAG, "attribute": Entity.ATTRIBUTE},
    names={
        Entity.ATTRIBUTE: {
            "name": _TEXT_OR_LIST,
            "run_id": _TEXT_OR_LIST_ONLY,
            "source_path": _TEXT_OR_LIST_ONLY,
            "version_number": Kind(EQUALITY + ORDERING, is_number=True, quoted=True),
            "creation_timestamp": _ORDER_ONLY,
            "last_updated_timestamp": _ORDER_ONLY,
        },
    },
    aliases={},
    unordered=frozenset({Entity.TAG}),
)

LOGGED_MODELS = Subject(
    prefixes={
        "metrics": Entity.METRIC,
        "metric": Entity.METRIC,
        "params": Entity.PARAM,
        "param": Entity.PARAM,
        "tags": Entity.TAG,
        "tag": Entity.TAG,
        "attributes": Entity.ATTRIBUTE,
        "attribute": Entity.ATTRIBUTE,
    },
    names={
        Entity.ATTRIBUTE: {
            "name": _TEXT_OR_LIST,
            "model_id": _TEXT_OR_LIST,
            "model_type": _TEXT_OR_LIST,
            "source_run_id": _TEXT_OR_LIST,
            "experiment_id": _TEXT_OR_LIST,
            "status": _TEXT_OR_LIST,
            "creation_timestamp": _NUMBER,
            "last_updated_timestamp": _NUMBER,
        },
    },
    aliases={"creation_time": "creation_timestamp"},
    unordered=frozenset({Entity.TAG, Entity.PARAM}),
)

STATS = frozenset(Stat)
