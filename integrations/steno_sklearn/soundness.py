"""Checks the raw indices in loaded models, which scikit-learn's compiled code follows without looking.

A crafted file can hold nothing but trusted types and still make `predict` read foreign memory or never end. Loading
such a type is harmless, so it is constructed first and judged here before anyone can use it.

Source: the fields are those of scikit-learn 1.4 to 1.9; see also https://github.com/scikit-learn/scikit-learn/pull/34558.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from types import FunctionType, ModuleType
from typing import Any

import numpy as np
from scipy import sparse
from scipy.interpolate import BSpline, _bsplines
from sklearn.ensemble import IsolationForest
from sklearn.ensemble._forest import BaseForest
from sklearn.ensemble._gb import BaseGradientBoosting
from sklearn.ensemble._hist_gradient_boosting.gradient_boosting import BaseHistGradientBoosting
from sklearn.ensemble._hist_gradient_boosting.predictor import TreePredictor
from sklearn.neighbors import BallTree, KDTree
from sklearn.tree import BaseDecisionTree
from sklearn.tree._tree import Tree
from steno.errors import ModelError

_LEAF = -1


def check(model: Any, where: str) -> None:
    """Judge every tree, spline and neighbour index inside a loaded model.

    Raises:
        ModelError: An index points outside; the model must not be used.
    """
    for part in _parts(model):
        if not _is_sound(part):
            raise ModelError(
                f"{where} holds a {type(part).__name__} whose indices point outside its data: the file is damaged "
                "or hostile, and using it could crash the process"
            )


def _parts(model: Any) -> Iterator[Any]:
    """Every object reachable from the model, each once; not what belongs to the program."""
    seen: set[int] = set()
    stack = [model]
    while stack:
        part = stack.pop()
        if id(part) in seen or isinstance(part, (type, ModuleType, FunctionType, str, bytes, int, float)):
            continue
        seen.add(id(part))
        yield part
        if isinstance(part, np.ndarray):  # unknown to the garbage collector
            stack += part.ravel().tolist() if part.dtype == object else ()
        else:
            stack += gc.get_referents(part)


def _is_sound(part: Any) -> bool:
    try:
        for kind, judge in _JUDGES:
            if isinstance(part, kind) and not judge(part):
                return False
    except (AttributeError, TypeError, ValueError, IndexError, KeyError):
        return False  # a part that lacks what its kind always has
    return True


def _tree(tree: Any) -> bool:
    state = tree.__getstate__()
    nodes, count = state["nodes"], state["node_count"]
    if not 0 <= count <= len(nodes) or len(state["values"]) < count:
        return False
    nodes = nodes[:count]
    inner = nodes["left_child"] != _LEAF
    children = np.stack([nodes["left_child"][inner], nodes["right_child"][inner]])
    return _descends(children, np.flatnonzero(inner), count) and _within(nodes["feature"][inner], tree.n_features)


def _fitted_tree(tree: Any) -> bool:
    fitted = getattr(tree, "tree_", None)
    return fitted is None or fitted.n_features == tree.n_features_in_


def _ensemble(ensemble: Any) -> bool:
    # Ensembles check the width of X themselves and then hand it to the trees unchecked.
    trees = np.ravel(getattr(ensemble, "estimators_", []))
    return all(tree.tree_.n_features == ensemble.n_features_in_ for tree in trees)


def _isolation_forest(forest: Any) -> bool:
    pairs = zip(getattr(forest, "estimators_", []), getattr(forest, "estimators_features_", []), strict=True)
    # Where every tree has all features, they are handed X as it is, whatever `estimators_features_` says.
    return all(tree.tree_.n_features == len(features) <= forest.n_features_in_ for tree, features in pairs)


def _boosting(ensemble: Any) -> bool:
    stages = getattr(ensemble, "estimators_", None)
    return stages is None or stages.shape[1] == ensemble.n_trees_per_iteration_


def _hist_ensemble(ensemble: Any) -> bool:
    predictors = [each for stage in getattr(ensemble, "_predictors", []) for each in stage]
    return all(_hist_tree(each, ensemble) for each in predictors)


def _hist_tree(predictor: TreePredictor, ensemble: Any) -> bool:
    nodes = predictor.nodes
    inner = nodes["is_leaf"] == 0
    categorical = nodes[inner & (nodes["is_categorical"] != 0)]
    sets = min(len(predictor.raw_left_cat_bitsets), len(predictor.binned_left_cat_bitsets))
    children = np.stack([nodes["left"][inner], nodes["right"][inner]]).astype(np.int64)
    return (
        len(nodes) > 0
        and _descends(children, np.flatnonzero(inner), len(nodes))
        and _within(nodes["feature_idx"][inner], ensemble.n_features_in_)
        and _within(categorical["bitset_idx"], sets)
        and predictor.raw_left_cat_bitsets.shape[1:] == (8,)
        and (not len(categorical) or len(ensemble._bin_mapper.is_categorical_) == ensemble.n_features_in_)
    )


def _neighbours(tree: Any) -> bool:
    data, order, nodes, bounds, *_, metric, weights = tree.__getstate__()
    samples, features = data.shape
    inner = np.flatnonzero(nodes["is_leaf"] == 0)
    starts, ends = nodes["idx_start"], nodes["idx_end"]
    weighted = metric.__getstate__()[1] if type(metric).__name__.startswith("Minkowski") else ()
    return bool(
        len(order) == samples
        and _within(order, samples)
        and len(nodes) > 0
        and np.all((starts >= 0) & (starts <= ends) & (ends <= samples))
        and np.all(2 * inner + 2 < len(nodes))
        and bounds.shape[1:] == (len(nodes), features)
        and bounds.shape[0] == (2 if isinstance(tree, KDTree) else 1)
        and len(weighted) in (0, features)
        and (weights is None or len(weights) == samples)
    )


def _spline(spline: Any) -> bool:
    knots, weights, degree = np.asarray(spline.t), np.asarray(spline.c), spline.k
    return bool(degree >= 0 and knots.ndim == 1 and len(weights) >= len(knots) - degree - 1 > 0)


def _sparse(matrix: Any) -> bool:
    matrix.check_format(full_check=True)  # raises ValueError
    return True


def _descends(children: Any, parents: Any, count: int) -> bool:
    """Whether children lie behind their parents: inside, and without a circle that prediction would follow forever."""
    return bool(np.all(children > parents) and np.all(children < count))


def _within(indices: Any, count: int) -> bool:
    return bool(np.all((indices >= 0) & (indices < count)))


_JUDGES: tuple[tuple[Any, Any], ...] = (
    (Tree, _tree),
    (BaseDecisionTree, _fitted_tree),
    ((BaseForest, BaseGradientBoosting), _ensemble),
    (BaseGradientBoosting, _boosting),
    (IsolationForest, _isolation_forest),
    (BaseHistGradientBoosting, _hist_ensemble),
    ((KDTree, BallTree), _neighbours),
    ((sparse.csr_matrix, sparse.csr_array, sparse.csc_matrix, sparse.csc_array), _sparse),
    ((sparse.bsr_matrix, sparse.bsr_array), _sparse),
    ((BSpline, getattr(_bsplines, "_BSpline", BSpline)), _spline),
)
