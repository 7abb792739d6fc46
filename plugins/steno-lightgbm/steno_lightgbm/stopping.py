"""Early stopping: where it stopped, and what was best until then."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from steno.contracts.integration import Run


def record(run: Run, best: int, count: int, values: Mapping[str, float]) -> None:
    """Record the best round, and its metrics once more after the last: a table of last values shows the best.

    Rounds are counted from one, as LightGBM and MLflow do.

    Args:
        run: Where to.
        best: The best round; less than one where nothing looked for it.
        count: How many rounds there were.
        values: What was measured in the best.
    """
    if best < 1:
        return
    run.log_metrics({"best_iteration": float(best), "stopped_iteration": float(count)})
    run.log_metrics(values, count)


def best_of(result: Mapping[str, Any], best: int) -> dict[str, float]:
    """Return what was measured in the best round of a cross-validation, from its result."""
    values = {}
    for column, scores in result.items():
        if isinstance(scores, list) and 0 < best <= len(scores):
            data, _, metric = column.partition(" ")
            values[f"{data}-{metric}".replace("@", "_at_")] = float(scores[best - 1])
    return values
