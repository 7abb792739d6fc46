"""What is recorded round CatBoost's own searches: the grid, the best candidate, its validation and the refit."""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping
from typing import Any

from steno.autolog.params import show
from steno.contracts.integration import Call
from steno.tracking.deferred import deferred

from steno_catboost import data, params, training, validation
from steno_catboost.train_dir import TrainDir

SEARCH = (
    "param_grid",
    "param_distributions",
    "cv",
    "n_iter",
    "partition_random_seed",
    "calc_cv_statistics",
    "search_by_train_test_split",
    "refit",
    "shuffle",
    "stratified",
    "train_size",
)
SELECT = (
    "features_for_select",
    "num_features_to_select",
    "features_tags_for_select",
    "num_features_tags_to_select",
    "algorithm",
    "grouping",
    "steps",
    "shap_calc_type",
    "train_final_model",
)
SAMPLE = ("samples", "posterior_iterations", "prior_iterations", "learning_rate", "depth", "sigma", "delta", "eps")
SELECTED = "selected_features.json"


def search(call: Call) -> Generator[None, Any, None]:
    """Record `grid_search` or `randomized_search`.

    CatBoost tells the best candidate only: of the others there is what it prints. The refit is part of this run.
    """
    model, given = call.instance, call.arguments
    chosen = params.of_model(model)
    call.run.log_params(params.texts(chosen))
    call.run.log_params({name: show(value) for name, value in params.of_call(given, SEARCH).items()})
    data.log_data(call, given)
    with deferred.training():
        result = yield
    best = {f"best_{name}": value for name, value in result["params"].items()}
    call.run.log_params(params.texts(best))
    table = result.get("cv_results")
    if table is not None and "iterations" in table:
        validation.log_table(call, table)
    if model.is_fitted():
        call.run.log_params(params.settled(model, chosen))
        training.finish(call, model, given)


def select(call: Call) -> Generator[None, Any, None]:
    """Record `select_features`: what was selected, the loss as features go, and the final model."""
    model, given = call.instance, call.arguments
    chosen = params.of_model(model)
    call.run.log_params(params.texts({**chosen, **params.of_call(given, SELECT)}))
    data.log_data(call, given)
    folder = TrainDir(chosen)
    with deferred.training():
        summary = yield
    call.run.log_file(SELECTED, json.dumps(summary, default=str).encode())
    _log_losses(call, summary.get("loss_graph"))
    if model.is_fitted():
        training.record(call, model, folder)
        call.run.log_params(params.settled(model, chosen))
        training.finish(call, model, given)


def sample(call: Call) -> Generator[None, Any, None]:
    """Record that a Gaussian process was sampled: its many fits are none by themselves."""
    given = call.arguments
    call.run.log_params(params.texts(params.of_call(given, SAMPLE)))
    data.log_data(call, given)
    with deferred.training():
        yield


def _log_losses(call: Call, graph: Any) -> None:
    if not isinstance(graph, Mapping):
        return
    for removed, loss in zip(graph["removed_features_count"], graph["loss_values"], strict=False):
        call.run.log_metric("select-loss", float(loss), int(removed))
