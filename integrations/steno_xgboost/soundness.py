"""Checks the indices in a model file, which XGBoost's compiled code follows without looking.

A crafted file can make `predict` read foreign memory or never end. It is judged before XGBoost sees it.
Source: the fields are those that XGBoost 2.1 to 3.2 write and read.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import xgboost
from steno.errors import ModelError

_NO_PARENT = (-1, 2**31 - 1)
_LEAF = -1
_MOST_FEATURES = 2**31 - 1
_MOST_CATEGORIES = 1 << 24  # as XGBoost itself has it
_LEAVES_APART = tuple(map(int, xgboost.__version__.split(".")[:2])) >= (3, 2)
_PER_NODE = ("split_conditions", "default_left", "split_indices")
_STATISTICS = ("loss_changes", "sum_hessian")


class _Unsound(Exception):
    """Something in the file points outside it."""


def check(content: Mapping[str, Any], where: str) -> None:
    """Judge a model file's content.

    Raises:
        ModelError: Something is missing or points outside; the file must not be given to XGBoost.
    """
    try:
        _learner(content["learner"])
    except (_Unsound, LookupError, TypeError, ValueError, OverflowError) as error:
        reason = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise ModelError(f"{where} is damaged or hostile, and loading it could crash the process: {reason}") from error


def _learner(learner: Mapping[str, Any]) -> None:
    settings = learner["learner_model_param"]
    features = _whole(settings["num_feature"])
    groups = max(1, _whole(settings["num_class"]), _whole(settings.get("num_target", "1")))
    _demand(features <= _MOST_FEATURES, "it claims more features than there can be")
    _base_score(settings["base_score"], groups)
    for key in ("feature_names", "feature_types"):
        given = learner.get(key, [])
        _demand(all(isinstance(each, str) for each in given), f"{key} are not texts")
        _demand(len(given) in (0, features), f"{key} are not as many as the features")
    _demand(all(isinstance(each, str) for each in learner.get("attributes", {}).values()), "an attribute is no text")
    _demand(isinstance(learner["objective"]["name"], str), "the objective has no name")
    _booster(learner["gradient_booster"], features, groups)


def _booster(booster: Mapping[str, Any], features: int, groups: int) -> None:
    name = booster["name"]
    if name == "dart":
        weights, booster = _reals(booster["weight_drop"]), booster["gbtree"]
        _demand(len(weights) == len(booster["model"]["trees"]), "the trees have not one weight each")
        _demand(booster["name"] == "gbtree", "a dart is not made of trees")
    elif name == "gblinear":
        count = len(_reals(booster["model"]["weights"]))
        _demand(count == (features + 1) * groups, "the coefficients are not as many as the features")
        return
    else:
        _demand(name == "gbtree", f"the booster is called {name!r}")
    _trees(booster["model"], features, groups)


def _trees(model: Mapping[str, Any], features: int, groups: int) -> None:
    trees, settings = model["trees"], model["gbtree_model_param"]
    _demand(isinstance(trees, list), "the trees are no list")
    _demand(_whole(settings["num_trees"]) == len(trees), "the trees are not as many as announced")
    _demand(_whole(settings.get("num_parallel_tree", "1")) >= 1, "a round has no trees")
    info = _indices(model["tree_info"])
    _demand(len(info) == len(trees), "the trees are not as many as announced")
    _within(info, 0, groups, "the output of a tree")
    if "iteration_indptr" in model:
        bounds = _indices(model["iteration_indptr"])
        _demand(len(bounds) >= 1 and bounds[0] == 0 and bounds[-1] == len(trees), "the rounds do not hold all trees")
        _demand(bool((np.diff(bounds) >= 0).all()), "the rounds are not in order")
    for number, tree in enumerate(trees):
        _demand(_whole(tree["id"]) == number, "the trees are not in order")
        _tree(tree, features, groups)
    if "cats" in model:
        _categories(model["cats"], features)


def _tree(tree: Mapping[str, Any], features: int, groups: int) -> None:
    settings = tree["tree_param"]
    nodes, width = _whole(settings["num_nodes"]), _whole(settings["size_leaf_vector"]) or 1
    _demand(nodes >= 1, "a tree has no nodes")
    _demand(width in (1, groups), "the leaves do not have one value for each output")
    _demand(_whole(settings["num_feature"]) == features, "a tree has other features than the model")
    left, right, parents = (_indices(tree[name]) for name in ("left_children", "right_children", "parents"))
    # Before XGBoost 3.2 a tree with several outputs neither has nor reads its nodes' statistics.
    for name in (*_PER_NODE, *(_STATISTICS if width == 1 or _LEAVES_APART else ())):
        _demand(len(tree[name]) == nodes, f"{name} are not as many as the nodes")
        _reals(tree[name])
    _demand(len(_reals(tree["base_weights"])) == nodes * width, "base_weights are not as many as the nodes")
    _demand(len(left) == len(right) == len(parents) == nodes, "a tree's nodes are not as many as announced")
    _demand(int(parents[0]) in _NO_PARENT, "a tree's root has a parent")
    _within(parents[1:], 0, nodes, "a parent")
    inner = np.flatnonzero(left != _LEAF)
    for children in (left[inner], right[inner]):
        _within(children, 1, nodes, "a child")
        # With one parent to each node and none to the root, no way leads in a circle.
        _demand(bool((parents[children] == inner).all()), "a child has another parent")
    _demand(bool((left[inner] != right[inner]).all()), "a node has one child twice")
    _within(_indices(tree["split_indices"])[inner], 0, features, "a split's feature")
    if width > 1:
        _leaves(tree, right[left == _LEAF], width)
    _splits(tree, inner, nodes)


def _leaves(tree: Mapping[str, Any], numbers: Any, width: int) -> None:
    """A tree with several outputs keeps its leaves apart since XGBoost 3.2; a leaf's right child is then its number."""
    _demand(
        "leaf_weights" in tree or not _LEAVES_APART, "this XGBoost cannot read trees of several outputs from before"
    )
    if "leaf_weights" in tree:
        count = len(_reals(tree["leaf_weights"]))
        _demand(count % width == 0, "the leaves do not have one value for each output")
        _within(numbers, 0, count // width, "a leaf")


def _splits(tree: Mapping[str, Any], inner: Any, nodes: int) -> None:
    """Splits by category: each such node has a part of one common list."""
    if "split_type" not in tree:
        return
    kinds = _indices(tree["split_type"])
    _demand(len(kinds) == nodes, "split_type is not given for each node")
    _within(kinds, 0, 2, "a kind of split")
    owners, begins, sizes, values = (
        _indices(tree[f"categories{suffix}"]) for suffix in ("_nodes", "_segments", "_sizes", "")
    )
    _demand(len(owners) == len(begins) == len(sizes), "the categories do not belong to nodes")
    _within(owners, 0, nodes, "a node with categories")
    _demand(bool((np.diff(owners) > 0).all()), "the nodes with categories are not in order")
    _demand(bool(np.isin(owners, np.flatnonzero(kinds == 1)).all()), "a node with categories does not split by them")
    _demand(bool(np.isin(inner[kinds[inner] == 1], owners).all()), "a node has no categories to split by")
    _within(begins, 0, len(values) + 1, "a list of categories")
    _demand(bool((sizes > 0).all() and (begins + sizes <= len(values)).all()), "categories lie outside their list")
    _within(values, 0, _MOST_CATEGORIES, "a category")


def _categories(cats: Mapping[str, Any], features: int) -> None:
    """The categories of each column of the training data, by which later data is encoded anew."""
    encodings, bounds, order = cats["enc"], _indices(cats["feature_segments"]), _indices(cats["sorted_idx"])
    if not len(encodings):
        _demand(not len(bounds) and not len(order), "there are categories of no column")
        return
    _demand(len(encodings) == features and len(bounds) == features + 1, "the columns are not as many as the features")
    _demand(bool(bounds[0] == 0 and bounds[-1] == len(order)), "the columns do not hold all categories")
    for number, encoding in enumerate(encodings):
        count = int(bounds[number + 1]) - int(bounds[number])
        _demand(_category_count(encoding) == count, "a column's categories are not as many as announced")
        own = order[bounds[number] : bounds[number + 1]]
        _demand(bool((np.sort(own) == np.arange(count)).all()), "a column's categories are not in order")


def _category_count(encoding: Mapping[str, Any]) -> int:
    values = encoding["values"]
    if "offsets" not in encoding:
        return len(_indices(values))
    offsets = _indices(encoding["offsets"])
    if not len(offsets):
        _demand(not len(values), "texts have no bounds")
        return 0
    _indices(values)
    _demand(bool(offsets[0] == 0 and offsets[-1] == len(values)), "texts lie outside their list")
    _demand(bool((np.diff(offsets) >= 0).all()), "texts are not in order")
    return len(offsets) - 1


def _base_score(text: Any, groups: int) -> None:
    value = json.loads(text)
    values = value if isinstance(value, list) else [value]
    _demand(len(values) in (1, groups), "base_score is not one number for each output")
    _reals(values)


def _whole(value: Any) -> int:
    if isinstance(value, str):
        _demand(value.isascii() and value.isdigit() and len(value) < 11, f"{value[:20]!r} is no whole number")
    else:
        _demand(isinstance(value, int) and not isinstance(value, bool) and value >= 0, "a count is no whole number")
    return int(value)


def _indices(values: Any) -> Any:
    found = np.asarray(values)
    if not found.size:
        return np.zeros(0, np.int64)
    _demand(found.ndim == 1 and found.dtype.kind in "iub", "an index is no whole number")
    return found.astype(np.int64)


def _reals(values: Any) -> Any:
    found = np.asarray(values)
    _demand(not found.size or (found.ndim == 1 and found.dtype.kind in "iubf"), "a value is no number")
    return found


def _within(values: Any, low: int, high: int, what: str) -> None:
    _demand(bool(((values >= low) & (values < high)).all()), f"{what} lies outside")


def _demand(holds: bool, otherwise: str) -> None:
    if not holds:
        raise _Unsound(otherwise)
