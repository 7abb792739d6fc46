"""One measurement in a process of its own: `python cases.py CASE TOOL` prints its figures as JSON.

TOOL is `steno`, or `mlflow` in an environment that has it. Runs in an empty working directory.
"""

from __future__ import annotations

import atexit
import importlib
import json
import logging
import os
import random
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

Figures = dict[str, float]


def open_tool(tool: str) -> Any:
    """Import a tool and point it at a SQLite store in the working directory."""
    module = importlib.import_module(tool)
    module.set_tracking_uri(f"sqlite:///{Path.cwd()}/store.db")
    module.set_experiment("benchmark")
    return module


def seconds(function: Callable[[], Any]) -> float:
    """How long a call takes."""
    began = time.perf_counter()
    function()
    return time.perf_counter() - began


def finish(api: Any) -> None:
    """End the run and wait until the store has all of it; MLflow's `end_run` waits by itself."""
    api.end_run()
    settle(api)


def settle(api: Any) -> None:
    """Wait for what a tool puts off; MLflow puts nothing off."""
    if hasattr(api, "flush"):
        assert api.flush()


def single(tool: str) -> Figures:
    """One metric, 10,000 points: the cost of a call, and of all until the store has them."""
    api = open_tool(tool)
    n = 10_000 if tool == "steno" else 300
    api.start_run()
    api.log_metric("warm", 0.0)

    def loop() -> None:
        for step in range(n):
            api.log_metric("loss", step * 0.5, step=step)

    calls = seconds(loop)
    return {"call_us": calls / n * 1e6, "total_us": (calls + seconds(lambda: finish(api))) / n * 1e6}


def wide(tool: str) -> Figures:
    """Ten metrics a step, 5,000 steps."""
    api = open_tool(tool)
    n = 5_000 if tool == "steno" else 200
    names = [f"metric{i}" for i in range(10)]
    api.start_run()
    api.log_metric("warm", 0.0)

    def loop() -> None:
        for step in range(n):
            api.log_metrics(dict.fromkeys(names, step * 0.5), step=step)
        finish(api)

    return {"total_us": seconds(loop) / (n * len(names)) * 1e6}


def disk(tool: str) -> Figures:
    """A run with a million points; its parent looks at the folder once the process is gone."""
    api = open_tool(tool)
    n = 1_000_000 if tool == "steno" else 2_000
    api.start_run()
    noise = random.Random(0)
    for step in range(n):
        api.log_metric("loss", 1.0 / (1 + step) + noise.random(), step=step)
    api.end_run()
    return {"points": n}


def _added(tool: str, fit: Callable[[], Any], repeats: int, modes: dict[str, dict[str, Any]]) -> Figures:
    """Median seconds that autologging adds to a fit; plain and watched fits take turns in one process."""
    api = open_tool(tool)
    logging.disable(logging.WARNING)
    warnings.filterwarnings("ignore")
    fit()
    times: dict[str, list[float]] = {"plain": [], **{mode: [] for mode in modes}}
    for mode, options in modes.items():
        api.autolog(silent=True, **options)
        fit()  # the first watched fit imports what watching needs
        settle(api)  # and the first model what writes it: from then on a small one is written within its fit
        for _ in range(repeats):
            times[mode].append(seconds(fit))
            api.autolog(disable=True)
            settle(api)  # or what was put off would be done beside the plain fit, and flatter the difference
            times["plain"].append(seconds(fit))
            api.autolog(silent=True, **options)
        api.autolog(disable=True)
    _check_recorded(api, repeats * len(modes), models=tool == "steno" and "with_model_s" in modes)
    plain = statistics.median(times.pop("plain"))
    added = {mode: statistics.median(found) - plain for mode, found in times.items()}
    return {"plain_s": plain, **added, **_told(api)}


def _told(api: Any) -> Figures:
    """What steno says itself that a fit was slowed by, over all runs; MLflow says nothing of the kind."""
    runs = api.search_runs(output_format="list")
    told = [float(run.data.tags["steno.overhead_ms"]) for run in runs if "steno.overhead_ms" in run.data.tags]
    return {"told_s": statistics.median(told) / 1e3} if told else {}


def _check_recorded(api: Any, fits: int, models: bool) -> None:
    """Refuse the figures of an autologging that recorded nothing."""
    runs = [run for run in api.search_runs(output_format="list") if "mlflow.parentRunId" not in run.data.tags]
    assert len(runs) >= fits, f"{len(runs)} runs of {fits} fits were recorded"
    assert all(run.data.params for run in runs)
    if models:
        client = api.Client()
        files = (file.path for run in runs for file in client.list_artifacts(run.info.run_id))
        assert list(files).count("model") >= fits / 2


BOTH = {"without_model_s": {"log_models": False}, "with_model_s": {"log_models": True}}


def small_fit(tool: str) -> Figures:
    """A fit of a few milliseconds."""
    X, y = _data(500)
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(max_iter=200)
    return _added(tool, lambda: model.fit(X, y), 15 if tool == "steno" else 3, BOTH)


def grid(tool: str) -> Figures:
    """A grid search, 5 candidates of 5 folds."""
    X, y = _data(2_000)
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV

    search = GridSearchCV(LogisticRegression(max_iter=200), {"C": [0.01, 0.1, 1, 10, 100]}, cv=5)
    return _added(tool, lambda: search.fit(X, y), 7 if tool == "steno" else 2, BOTH)


def forest(tool: str) -> Figures:
    """A random forest of some seconds, with its model."""
    X, y = _data(20_000)
    from sklearn.ensemble import RandomForestClassifier

    model = RandomForestClassifier(n_estimators=60, n_jobs=1, random_state=0)
    return _added(tool, lambda: model.fit(X, y), 3, {"with_model_s": {"log_models": True}})


def xgboost(tool: str) -> Figures:
    """300 rounds of boosting with two metrics."""
    from xgboost_fit import fit

    return _with_percent(_added(tool, fit, 5 if tool == "steno" else 2, BOTH))


def lightning(tool: str) -> Figures:
    """60 epochs of a small net."""
    from lightning_fit import fit

    api = importlib.import_module("torch")
    api.set_num_threads(1)
    return _with_percent(_added(tool, fit, 7 if tool == "steno" else 2, BOTH))


def keras(tool: str) -> Figures:
    """60 epochs of a small net."""
    from keras_fit import fit

    return _with_percent(_added(tool, fit, 5 if tool == "steno" else 2, BOTH))


def _with_percent(figures: Figures) -> Figures:
    """Say what is added in parts of the plain fit too."""
    added = {name: seconds for name, seconds in figures.items() if name.endswith("_model_s")}
    shares = {f"{name[:-2]}_percent": 100 * seconds / figures["plain_s"] for name, seconds in added.items()}
    return figures | shares


def _data(rows: int) -> tuple[Any, Any]:
    import numpy as np

    rng = np.random.default_rng(0)
    X = rng.normal(size=(20_000, 20)).astype("float32")
    y = (X @ rng.normal(size=20) + rng.normal(size=20_000) > 0).astype("int64")
    return X[:rows], y[:rows]


def search(tool: str) -> Figures:
    """Filter and order 10,000 runs, and take the first 100."""
    from steno.records import Batch, RunStart

    api = open_tool(tool)
    client = api.Client()
    experiment = client.get_experiment_by_name("benchmark").experiment_id
    for group in range(20):
        children = [_seed(experiment, group * 500 + i) for i in range(500)]
        parent = Batch(start=RunStart(experiment, f"group{group}", group), children=children)
        client.store.write(f"{group:032x}", parent)
    text, order = "metrics.loss < 0.5 and params.kind = 'b'", ["metrics.loss ASC"]

    def ask() -> list[Any]:
        found: list[Any] = client.search_runs([experiment], text, max_results=100, order_by=order)
        return found

    assert len(ask()) == 100
    return {"search_s": statistics.median(seconds(ask) for _ in range(9))}


def _seed(experiment: str, i: int) -> tuple[str, Any]:
    from steno.records import Batch, RunStart

    batch = Batch(start=RunStart(experiment, f"run{i}", i), params={"kind": "abcd"[i % 4], "seed": str(i)})
    batch.add_metric("loss", (i * 7919 % 10_000) / 10_000, i)
    return f"{i + 1_000_000:032x}", batch


def history(tool: str) -> Figures:
    """Read a series of a million points, whole and as 1,000 buckets."""
    api = open_tool(tool)
    with api.start_run() as run:
        noise = random.Random(0)
        for step in range(1_000_000):
            api.log_metric("loss", 1.0 / (1 + step) + noise.random(), step=step)
    assert api.flush()
    store, run_id = api.Client().store, run.info.run_id
    assert len(store.metric_history(run_id, "loss")) == 1_000_000
    assert len(store.metric_buckets(run_id, "loss", 1_000)) <= 1_000
    whole = statistics.median(seconds(lambda: store.metric_history(run_id, "loss")) for _ in range(5))
    thin = statistics.median(seconds(lambda: store.metric_buckets(run_id, "loss", 1_000)) for _ in range(5))
    return {"all_s": whole, "buckets_s": thin}


def torch_loop(tool: str) -> Figures:
    """Steps of a tiny network in a raw PyTorch loop."""
    import torch
    from torch_loop import measure

    torch.set_num_threads(1)
    with open_tool(tool).start_run():
        return measure()


def log_model(tool: str) -> Figures:
    """A small scikit-learn model, logged with its signature, and loaded as a function; all is imported before."""
    from sklearn.linear_model import LogisticRegression

    api = open_tool(tool)
    flavor, pyfunc = importlib.import_module(f"{tool}.sklearn"), importlib.import_module(f"{tool}.pyfunc")
    X, y = _data(500)
    model = LogisticRegression().fit(X, y)
    signature = importlib.import_module(f"{tool}.models").infer_signature(X, model.predict(X))
    logged, loaded = [], []
    with api.start_run():
        for turn in range(21 if tool == "steno" else 4):
            model.coef_ = model.coef_ + 1e-9  # never the same file twice
            began = time.perf_counter()
            uri = flavor.log_model(model, name=f"model_{turn}", signature=signature).model_uri
            logged.append(time.perf_counter() - began)
            loaded.append(seconds(lambda uri=uri: pyfunc.load_model(uri)))
    assert (pyfunc.load_model(uri).predict(X) == model.predict(X)).all()
    return {"log_s": statistics.median(logged[1:]), "load_s": statistics.median(loaded[1:])}


def large_models(tool: str) -> Figures:
    """What logging a model of 2 GB takes beside the model: one whose weights, or coefficients, are a single array."""
    import large_models

    del tool
    return {
        f"{kind}_{name}": value
        for kind in ("torch", "sklearn")
        for name, value in large_models.in_a_process(kind, 2048).items()
    }


def smallest(tool: str) -> Figures:
    """The smallest script there is; its parent takes the time, it reports its peak memory as the last thing."""
    atexit.register(_report_peak)  # exit handlers run in reverse: after the tool's own
    api = importlib.import_module(tool)
    api.set_tracking_uri(f"sqlite:///{Path.cwd()}/store.db")
    with api.start_run():
        api.log_param("a", 1)
        api.log_metric("b", 2.0)
    return {}


def plugins(tool: str) -> Figures:
    """What 50 installed plugins add to the first run of a process, which has to import them."""
    import many_plugins

    return many_plugins.added(50, 9)


def _report_peak() -> None:
    import resource

    print(json.dumps({"memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))


CASES = (
    single,
    wide,
    disk,
    small_fit,
    grid,
    forest,
    xgboost,
    lightning,
    keras,
    search,
    history,
    log_model,
    large_models,
    smallest,
    torch_loop,
    plugins,
)

if __name__ == "__main__":
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    (case,) = (case for case in CASES if case.__name__ == sys.argv[1])
    print(json.dumps(case(sys.argv[2])))
