"""Track a run by hand: fit a line by gradient descent, and record its params, loss curve and result.

Needs nothing but steno. Source of the data: Ezekiel, "Methods of Correlation Analysis" (1930): the speed of
cars in miles per hour, and the distance in feet that they took to stop.
"""

from __future__ import annotations

import steno

SPEEDS = [4, 4, 7, 7, 8, 9, 10, 10, 10, 11, 11, 12, 12, 12, 12, 13, 13, 13, 13, 14, 14, 14, 14, 15, 15]
SPEEDS += [15, 16, 16, 17, 17, 17, 18, 18, 18, 18, 19, 19, 19, 20, 20, 20, 20, 20, 22, 23, 24, 24, 24, 24, 25]
DISTANCES = [2, 10, 4, 22, 16, 10, 18, 26, 34, 17, 28, 14, 20, 24, 28, 26, 34, 34, 46, 26, 36, 60, 80, 20, 26]
DISTANCES += [54, 32, 40, 32, 40, 50, 42, 56, 76, 84, 36, 46, 68, 32, 48, 52, 56, 64, 66, 54, 70, 92, 93, 120, 85]


def descend(slope: float, intercept: float, rate: float) -> tuple[float, float, float]:
    """Take one step downhill; returns the new slope, the new intercept, and the loss before the step."""
    n = len(SPEEDS)
    errors = [slope * x + intercept - y for x, y in zip(SPEEDS, DISTANCES, strict=True)]
    by_slope = 2 / n * sum(e * x for e, x in zip(errors, SPEEDS, strict=True))
    by_intercept = 2 / n * sum(errors)
    return slope - rate * by_slope, intercept - rate * by_intercept, sum(e * e for e in errors) / n


def main() -> None:
    """Train, and read back what was recorded."""
    steno.set_experiment("stopping-distances")
    with steno.start_run(run_name="gradient-descent") as run:
        rate, steps = 0.003, 16_000
        steno.log_params({"rate": rate, "steps": steps})
        slope = intercept = 0.0
        for step in range(steps):
            slope, intercept, loss = descend(slope, intercept, rate)
            steno.log_metric("loss", loss, step=step)
        steno.log_metrics({"slope": slope, "intercept": intercept})
        steno.log_dict({"slope": slope, "intercept": intercept, "unit": "feet per mile per hour"}, "line.json")

    recorded = steno.get_run(run.info.run_id)
    print(f"run {recorded.info.run_id} {recorded.info.status}")
    print("params ", recorded.data.params)
    print("metrics", {key: round(value, 3) for key, value in recorded.data.metrics.items()})
    print("points of the loss curve:", len(steno.Client().get_metric_history(run.info.run_id, "loss")))


if __name__ == "__main__":
    main()
