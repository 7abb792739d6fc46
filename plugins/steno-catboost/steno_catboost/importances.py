"""What a trained model says of its features."""

from __future__ import annotations

import json
import math
from typing import Any

from steno.autolog.quiet import quiet
from steno.contracts.integration import Call

DEFAULT = "PredictionValuesChange"
PATH = "feature_importance_{type}.json"
NOT_KEPT = "steno.importance_not_kept"


def record(call: Call, model: Any) -> None:
    """Record one artifact per type: feature to score, the most important first.

    What CatBoost computed itself at the end of the training costs nothing; the rest is done if the budget allows.
    """
    chosen = call.options.extra.get("importance_types")
    kinds = [DEFAULT] if chosen is None else [chosen] if isinstance(chosen, str) else [str(each) for each in chosen]
    for kind in kinds:
        try:
            scores = _scores(call, model, kind)
        except Exception as error:  # advice: some need data, some models have none, and a user may ask for others
            if chosen is not None:
                _not_kept(call, f"{kind}: {error}")
            continue
        if scores is not None:
            call.run.log_file(PATH.format(type=kind), _content(model, scores))
        elif chosen is not None:
            _not_kept(call, f"{kind}: it takes longer than the overhead budget allows")


def _scores(call: Call, model: Any, kind: str) -> Any:
    known = getattr(model, "_prediction_values_change", None) if kind == DEFAULT else None
    if known is not None:
        return known
    wide = int(model.n_features_in_ or 0).bit_length()
    return call.budget.spend(f"{kind} of {wide} bits of features", lambda: _computed(model, kind))


def _computed(model: Any, kind: str) -> Any:
    before = dict(vars(model))
    try:
        with quiet():
            return model.get_feature_importance(type=kind, thread_count=1)
    finally:
        # CatBoost keeps some of what it computed, and pickles it with the model.
        for name in vars(model).keys() - before.keys():
            delattr(model, name)
        vars(model).update(before)


def _content(model: Any, scores: Any) -> bytes:
    names = model.feature_names_
    if len(scores) and hasattr(scores[0], "__len__"):  # of pairs of features
        named = {f"{names[int(one)]}, {names[int(other)]}": float(score) for one, other, score in scores}
    else:
        named = {name: float(score) for name, score in zip(names, scores, strict=False)}
    told = {name: score for name, score in named.items() if math.isfinite(score)}
    return json.dumps(dict(sorted(told.items(), key=lambda item: abs(item[1]), reverse=True))).encode()


def _not_kept(call: Call, why: str) -> None:
    call.run.set_tags({NOT_KEPT: why.partition("\n")[0][:300]})
