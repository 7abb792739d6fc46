"""What a trained booster says of its features, by each of its measures."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import xgboost
from steno.contracts.integration import Call

TYPES = ("weight", "gain", "cover", "total_gain", "total_cover")
PATH = "feature_importance_{type}.json"
NOT_KEPT = "steno.importance_not_kept"
# Asked for the scores of a model whose trees have several outputs, it ends the process.
_CRASHES = int(xgboost.__version__.partition(".")[0]) < 3
_FREE_FEATURES = 500  # so many take a tenth of a millisecond


def record(call: Call, booster: Any) -> None:
    """Record one artifact per type: feature to score, the most important first."""
    if _CRASHES and _targets(booster) > 1:
        call.run.set_tags({NOT_KEPT: f"XGBoost {xgboost.__version__} cannot safely be asked about several targets"})
        return
    chosen = call.options.extra.get("importance_types")
    wide = booster.num_features()
    for kind in TYPES if chosen is None else _names(chosen):
        try:
            content = _within(call, booster, kind, wide)
        except Exception as error:  # advice: a linear booster has one measure only, and a user may ask for others
            if chosen is not None or kind == "weight":
                call.run.set_tags({NOT_KEPT: f"{kind}: {_first_line(error)}"})
            continue
        if content is None:
            call.run.set_tags({NOT_KEPT: f"{kind}: {wide} features take longer than the overhead budget allows"})
            return
        call.run.log_file(PATH.format(type=kind), content)


def _targets(booster: Any) -> int:
    return int(json.loads(booster.save_config())["learner"]["learner_model_param"].get("num_target", 1))


def _within(call: Call, booster: Any, kind: str, wide: int) -> bytes | None:
    if wide <= _FREE_FEATURES:
        return _content(booster, kind)
    return call.budget.spend(f"importance of {wide.bit_length()} bits of features", lambda: _content(booster, kind))


def _content(booster: Any, kind: str) -> bytes:
    scores = booster.get_score(importance_type=kind)
    ranked = sorted(scores.items(), key=lambda item: _size(item[1]), reverse=True)
    return json.dumps(dict(ranked)).encode()


def _size(score: Any) -> float:
    """How important; the coefficients of several classes count together."""
    return sum(map(abs, score)) if isinstance(score, list) else abs(float(score))


def _names(chosen: Any) -> Iterable[str]:
    return [chosen] if isinstance(chosen, str) else [str(each) for each in chosen]


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0][:300]
