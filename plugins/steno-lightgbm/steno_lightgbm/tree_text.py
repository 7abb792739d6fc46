"""Checks the text of one tree of a model: that no way through it leads outside, or in a circle."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

_INTEGERS = re.compile(r"-?[0-9]{1,10}( -?[0-9]{1,10})*")
_REALS = re.compile(r"[-+0-9.e]{1,40}|[-+]?inf|-?nan")
_MOST_LEAVES = 10_000_000
_NODE_INTEGERS = ("split_feature", "decision_type", "left_child", "right_child")
_NODE_REALS = ("split_gain", "threshold")
_OF_ALL = ("num_leaves", "num_cat", "leaf_value", "shrinkage")
_OPTIONAL = (*_NODE_INTEGERS, *_NODE_REALS, "leaf_weight", "leaf_count", "internal_value", "internal_weight")
_CATEGORICAL = ("cat_boundaries", "cat_threshold")
_LINEAR = ("leaf_const", "num_features", "leaf_features", "leaf_coeff")
_KNOWN = frozenset((*_OF_ALL, *_OPTIONAL, *_CATEGORICAL, *_LINEAR, "internal_count", "is_linear"))


class Unsound(Exception):
    """Something in the text points outside it."""


def demand(holds: bool, otherwise: str) -> None:
    """Go on if it holds. Raises: Unsound."""
    if not holds:
        raise Unsound(otherwise)


def whole(text: str) -> int:
    """Read a number that is not negative. Raises: Unsound."""
    demand(text.isascii() and text.isdigit() and len(text) < 11, f"{text[:20]!r} is no whole number")
    return int(text)


def integers(text: str) -> Array:
    """Read whole numbers with a space between them. Raises: Unsound."""
    if text == "":
        return np.zeros(0, np.int64)
    demand(_INTEGERS.fullmatch(text) is not None, "an index is no whole number")
    return np.array(text.split(" "), np.int64)


def reals(text: str) -> Array:
    """Read numbers with a space between them. Raises: Unsound, ValueError."""
    if text == "":
        return np.zeros(0)
    words = text.split(" ")
    demand(all(map(_REALS.fullmatch, words)), "a value is no number")
    return np.array(words, np.float64)


def check(text: str, number: int, features: int) -> None:
    """Judge a tree. Raises: Unsound, KeyError."""
    lines = text.rstrip("\n").split("\n")
    demand(lines[0] == f"Tree={number}", "the trees do not begin where it is said, or are not in order")
    demand(text.endswith("\n\n"), "a tree does not end where it is said")
    tree: dict[str, str] = {}
    for line in lines[1:]:
        key, _, value = line.partition("=")
        demand(key in _KNOWN and key not in tree, f"a tree has a line {line[:40]!r}")
        tree[key] = value
    leaves = whole(tree["num_leaves"])
    demand(1 <= leaves <= _MOST_LEAVES, "a tree has no leaves")
    _length(reals(tree["leaf_value"]), leaves, "leaf_value")
    _length(reals(tree["shrinkage"]), 1, "shrinkage")
    if leaves > 1:
        _nodes(tree, leaves, features)
    else:
        demand(whole(tree["num_cat"]) == 0, "a tree of one leaf splits by category")
    demand(tree.get("is_linear", "0") in ("0", "1"), "is_linear is neither 0 nor 1")
    if tree.get("is_linear") == "1":
        _linear(tree, leaves, features)


def _nodes(tree: dict[str, str], leaves: int, features: int) -> None:
    nodes = leaves - 1
    split, kinds, left, right = (integers(tree[name]) for name in _NODE_INTEGERS)
    thresholds = reals(tree["threshold"])
    for name, values in zip((*_NODE_INTEGERS, "threshold"), (split, kinds, left, right, thresholds), strict=True):
        _length(values, nodes, name)
    _length(reals(tree["split_gain"]), nodes, "split_gain")
    for name, count in (("leaf_weight", leaves), ("internal_value", nodes), ("internal_weight", nodes)):
        _length(reals(tree[name]), count, name)
    _length(integers(tree["leaf_count"]), leaves, "leaf_count")
    _length(integers(tree["internal_count"]), nodes, "internal_count")
    _within(split, 0, features, "a split's feature")
    _within(kinds, 0, 16, "a kind of split")
    _within(kinds >> 2, 0, 3, "a way of missing values")
    parents = np.concatenate([np.arange(nodes)] * 2)
    children = np.concatenate([left, right])
    inner = children >= 0
    # Each is somebody's child once, and behind its parent: no way leads in a circle.
    demand(bool((children[inner] > parents[inner]).all()), "a child is before its parent")
    demand(bool(np.array_equal(np.sort(children[inner]), np.arange(1, nodes))), "a node is nobody's child, or outside")
    demand(bool(np.array_equal(np.sort(~children[~inner]), np.arange(leaves))), "a leaf is nobody's child, or outside")
    _categories(tree, thresholds[kinds & 1 == 1])


def _categories(tree: dict[str, str], numbers: Array) -> None:
    """Splits by category: the threshold is the number of a list, and the lists lie in one behind each other."""
    count = whole(tree["num_cat"])
    if not count:
        demand(not len(numbers), "a node has no categories to split by")
        return
    bounds, values = integers(tree["cat_boundaries"]), integers(tree["cat_threshold"])
    _length(bounds, count + 1, "cat_boundaries")
    demand(bool(bounds[0] == 0 and bounds[-1] == len(values)), "categories lie outside their list")
    demand(bool((np.diff(bounds) > 0).all()), "the lists of categories are not in order")
    _within(values, 0, 1 << 32, "a set of categories")
    demand(bool((numbers == np.floor(numbers)).all()), "the number of a list is not whole")
    _within(numbers, 0, count, "a list of categories")


def _linear(tree: dict[str, str], leaves: int, features: int) -> None:
    _length(reals(tree["leaf_const"]), leaves, "leaf_const")
    counts = integers(tree["num_features"])
    _length(counts, leaves, "num_features")
    _within(counts, 0, features + 1, "a number of features")
    # LightGBM puts a space after each value and after each leaf, without values too.
    used = integers(" ".join(tree["leaf_features"].split()))
    factors = reals(" ".join(tree["leaf_coeff"].split()))
    _length(used, int(counts.sum()), "leaf_features")
    _length(factors, int(counts.sum()), "leaf_coeff")
    _within(used, 0, features, "a leaf's feature")


def _length(values: Array, count: int, what: str) -> None:
    demand(len(values) == count, f"{what} has {len(values)} values, and not {count}")


def _within(values: Array, low: int, high: int, what: str) -> None:
    demand(bool(((values >= low) & (values < high)).all()), f"{what} lies outside")
