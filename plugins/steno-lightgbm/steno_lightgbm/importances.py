"""What a trained booster says of its features."""

from __future__ import annotations

import json
from typing import Any

from steno.contracts.integration import Call

TYPES = ("split", "gain")
PATH = "feature_importance_{type}.json"
NOT_KEPT = "steno.importance_not_kept"
_FREE_FEATURES = 500  # so many take a tenth of a millisecond


def record(call: Call, booster: Any) -> None:
    """Record one artifact per type: feature to score, the most important first."""
    wide = booster.num_feature()
    if wide <= _FREE_FEATURES:
        found: dict[str, bytes] | None = contents(booster)
    else:
        found = call.budget.spend(f"importance of {wide.bit_length()} bits of features", lambda: contents(booster))
    if found is None:
        call.run.set_tags({NOT_KEPT: f"{wide} features take longer than the overhead budget allows"})
        return
    for kind, content in found.items():
        call.run.log_file(PATH.format(type=kind), content)


def contents(booster: Any) -> dict[str, bytes]:
    """Return the artifact of each type."""
    names = booster.feature_name()
    found = {}
    for kind in TYPES:
        pairs = zip(names, booster.feature_importance(kind).tolist(), strict=True)
        ranked = sorted(pairs, key=lambda pair: pair[1], reverse=True)
        found[kind] = json.dumps(dict(ranked), indent=2).encode()
    return found
