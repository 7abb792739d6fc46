"""What `make bench` runs: every figure of steno beside its target, and beside MLflow where an environment has it.

Figures are medians of several processes. Machines are noisy: compare columns of one table, not tables.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

CASES = Path(__file__).with_name("cases.py")
console = Console(width=110)


class Row(NamedTuple):
    """One line of the table: where its figure comes from, its scale and its target."""

    title: str
    case: str
    figure: str
    scale: float
    unit: str
    target: float
    peer: bool = True


ROWS = (
    Row("import, over a bare interpreter", "import", "seconds", 1e3, "ms", 40),
    Row("smallest script, whole process", "smallest", "seconds", 1, "s", 0.40),
    Row("smallest script, peak memory", "smallest", "memory_mb", 1, "MB", 56),
    Row("first run of a process, itself", "plugins", "first_s", 1e3, "ms", float("nan"), peer=False),
    Row("the same, added by 50 plugins", "plugins", "wall_s", 1e3, "ms", 20, peer=False),
    Row("processor time of that", "plugins", "cpu_s", 1e3, "ms", 20, peer=False),
    Row("log_metric, on the caller's thread", "single", "call_us", 1, "µs", 2),
    Row("10,000 points, until the store has them", "single", "total_us", 1, "µs a point", 5),
    Row("5,000 steps of 10 metrics, the same", "wide", "total_us", 1, "µs a point", 1.5),
    Row("disk, of a million points", "disk", "bytes_per_point", 1, "bytes a point", 12),
    Row("a small fit, itself", "small_fit", "plain_s", 1e3, "ms", float("nan")),
    Row("a small fit, added without model", "small_fit", "without_model_s", 1e3, "ms", 4),
    Row("a small fit, added with model", "small_fit", "with_model_s", 1e3, "ms", 25),
    Row("the same, as its runs tell it", "small_fit", "told_s", 1e3, "ms", float("nan"), peer=False),
    Row("grid search, itself", "grid", "plain_s", 1, "s", float("nan")),
    Row("grid search, added without model", "grid", "without_model_s", 1, "s", 0.02),
    Row("grid search, added with model", "grid", "with_model_s", 1, "s", 0.06),
    Row("random forest, itself", "forest", "plain_s", 1, "s", float("nan")),
    Row("random forest, added with model", "forest", "with_model_s", 1, "s", 0.1),
    Row("xgboost.train, 300 rounds, itself", "xgboost", "plain_s", 1, "s", float("nan")),
    Row("xgboost.train, added without model", "xgboost", "without_model_percent", 1, "%", 1),
    Row("xgboost.train, added with model", "xgboost", "with_model_percent", 1, "%", 3),
    Row("Lightning, 60 epochs, itself", "lightning", "plain_s", 1, "s", float("nan")),
    Row("Lightning, added without model", "lightning", "without_model_percent", 1, "%", 2),
    Row("Lightning, added with model", "lightning", "with_model_percent", 1, "%", 6),
    Row("Keras, 60 epochs, itself", "keras", "plain_s", 1, "s", float("nan")),
    Row("Keras, added without model", "keras", "without_model_percent", 1, "%", 1),
    Row("Keras, added with model", "keras", "with_model_percent", 1, "%", 5),
    Row("a step of a raw torch loop, itself", "torch_loop", "step_us", 1, "µs", float("nan"), peer=False),
    Row("a step of a raw torch loop, added", "torch_loop", "added_us", 1, "µs", 10, peer=False),
    Row("log_model of a small scikit-learn model", "log_model", "log_s", 1e3, "ms", 20),
    Row("pyfunc.load_model of it", "log_model", "load_s", 1e3, "ms", 10),
    Row("log_model of 2 GB, torch: memory added", "large_models", "torch_extra_mb", 1, "MB", 64, peer=False),
    Row("the same, scikit-learn", "large_models", "sklearn_extra_mb", 1, "MB", 64, peer=False),
    Row("the same model again: disk added", "large_models", "torch_second_adds_mb", 1, "MB", 1, peer=False),
    Row("search, first 100 of 10,000 runs", "search", "search_s", 1e3, "ms", 30, peer=False),
    Row("history of a million points, whole", "history", "all_s", 1e3, "ms", 150, peer=False),
    Row("the same as 1,000 buckets", "history", "buckets_s", 1e3, "ms", 40, peer=False),
)


class Done(NamedTuple):
    """What a process took, printed and left on disk."""

    seconds: float
    printed: str
    size_bytes: int


def run(python: str, *arguments: str) -> Done:
    """Run an interpreter in an empty folder."""
    environ = {k: v for k, v in os.environ.items() if not k.startswith(("STENO_", "MLFLOW_"))}
    environ |= {"MLFLOW_DISABLE_TELEMETRY": "true", "OMP_NUM_THREADS": "1"}
    with tempfile.TemporaryDirectory(prefix="steno-bench-") as folder:
        began = time.perf_counter()
        done = subprocess.run(
            [python, *arguments], cwd=folder, env=environ, capture_output=True, text=True, timeout=900, check=False
        )
        took = time.perf_counter() - began
        size = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())
    if done.returncode:
        raise RuntimeError(f"{arguments}: {done.stderr.strip().splitlines()[-1:]}")
    return Done(took, done.stdout, size)


def import_case(python: str, tool: str) -> dict[str, float]:
    """The time of an import, less that of an interpreter that imports nothing."""
    return {"seconds": run(python, "-c", f"import {tool}").seconds - run(python, "-c", "pass").seconds}


def case(name: str) -> Callable[[str, str], dict[str, float]]:
    """A measurement by its name."""

    def measure(python: str, tool: str) -> dict[str, float]:
        done = run(python, str(CASES), name, tool)
        figures: dict[str, float] = json.loads(done.printed.strip().splitlines()[-1])
        figures["seconds"] = done.seconds
        return figures | {"bytes_per_point": done.size_bytes / figures.get("points", 1)}

    return import_case if name == "import" else measure


def median(name: str, python: str, tool: str, repeats: int) -> dict[str, float]:
    """The medians of a measurement's figures; empty, with a line that says why, if it failed."""
    try:
        found = [case(name)(python, tool) for _ in range(repeats)]
    except (RuntimeError, subprocess.TimeoutExpired) as error:
        console.print(f"{name} with {tool} failed: {error}", style="red", markup=False)
        return {}
    return {figure: statistics.median(one[figure] for one in found) for figure in found[0]}


def measure_all(names: list[str], pythons: dict[str, str], repeats: int) -> dict[tuple[str, str], dict[str, float]]:
    """Measure every case with every tool, one after the other."""
    figures = {}
    for name in names:
        for tool, python in pythons.items():
            if tool == "steno" or any(row.peer for row in ROWS if row.case == name):
                began = time.perf_counter()
                rounds = max(7, repeats) if name == "import" else repeats
                figures[name, tool] = median(name, python, tool, rounds)
                console.print(f"{name} with {tool}: {time.perf_counter() - began:.1f} s", highlight=False)
    return figures


def show(figures: dict[tuple[str, str], dict[str, float]], names: list[str], tools: list[str]) -> bool:
    """Print the table; returns whether every target was reached."""
    beside = tools[1:]
    table = Table(
        "what", *tools, *(f"{tool} / steno" for tool in beside), "target", "", title="steno beside its targets"
    )
    reached = True
    for row in (row for row in ROWS if row.case in names):
        cells = [figures.get((row.case, tool), {}).get(row.figure) for tool in tools]
        shown = ["–" if cell is None else _number(cell * row.scale) for cell in cells]  # noqa: RUF001
        judged = row.target == row.target
        good = cells[0] is not None and cells[0] * row.scale <= row.target
        reached &= good or not judged
        verdict = ("reached" if good else "missed") if judged else ""
        table.add_row(
            row.title,
            *shown,
            *(_ratio(cell, cells[0]) for cell in cells[1:]),
            f"≤ {row.target:g}" if judged else "",
            f"{row.unit} {verdict}",
        )
    console.print(table)
    return reached


def _ratio(theirs: float | None, ours: float | None) -> str:
    """How many times ours theirs is; nothing where either is missing, or too small to be told from none."""
    return _number(theirs / ours) if theirs and theirs > 0 and ours and ours > 0 else ""


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def main() -> None:
    """Measure and print; ends with status 1 if a target was missed."""
    names = list(dict.fromkeys(row.case for row in ROWS))
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"one or more of: {', '.join(names)}")
    parser.add_argument("--peer", default="", help="the interpreter of an environment with mlflow and scikit-learn")
    parser.add_argument("--repeat", type=int, default=3, help="processes for each figure (default 3)")
    given = parser.parse_args()
    if unknown := sorted(set(given.cases) - set(names)):
        parser.error(f"unknown cases: {', '.join(unknown)}")
    names = given.cases or names
    pythons = {"steno": sys.executable} | ({"mlflow": given.peer} if given.peer else {})
    sys.exit(not show(measure_all(names, pythons, given.repeat), names, list(pythons)))


if __name__ == "__main__":
    main()
