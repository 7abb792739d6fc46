"""Early stopping: where it stopped, and what was best until then."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from steno.contracts.integration import Run
from xgboost.callback import EarlyStopping

from steno_xgboost.rounds import Rounds


def took_part(given: Mapping[str, Any]) -> bool:
    """Whether a training may have stopped early; a model that goes on still says what was best in an earlier one."""
    callbacks = given.get("callbacks")
    own = callbacks if isinstance(callbacks, list | tuple) else ()
    return bool(given.get("early_stopping_rounds")) or any(isinstance(each, EarlyStopping) for each in own)


def record(run: Run, rounds: Rounds, best_iteration: int, best_score: float) -> None:
    """Record the best round, and its metrics once more after the last: a table of last values shows the best."""
    if not rounds.count:
        return
    last = rounds.offset + rounds.count - 1
    run.log_metrics(
        {
            "best_iteration": float(best_iteration),
            "best_score": float(best_score),
            "stopped_iteration": float(last),
        }
    )
    run.log_metrics(rounds.values_at(best_iteration), last + 1)
