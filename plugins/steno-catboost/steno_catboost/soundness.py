"""Checks the indices in a model file, which CatBoost's compiled code follows without looking.

CatBoost verifies that the core is a FlatBuffer, and nothing of what its numbers point to; the tables of categorical
features it does not verify at all. A damaged or crafted file can make it read foreign memory, or never end.
Source: the fields are those that CatBoost 1.2 writes and reads.
"""

from __future__ import annotations

import json
import struct
from typing import Any

import numpy as np
from steno.errors import ModelError

from steno_catboost.model_file import Damaged, ModelFile, Table

_VERSION = "FlabuffersModel_v1"
_CORE_FIELDS, _TREE_FIELDS = 4, 19
_MOST_FEATURES = 1 << 24
_MOST_DIMENSIONS = 1 << 20
_MOST_CLASSES = 1 << 20
_DEEPEST_TREE, _DEEPEST_TEXT = 30, 64
_PER_BIN = 254  # so many borders of a feature share one byte
_MOST_BINS = 0xFFFF
_EMPTY = 2**64 - 1
_BUCKET = np.dtype([("hash", "<u8"), ("index", "<u4")])
_STEP = np.dtype([("left", "<u2"), ("right", "<u2")])
_SPLIT = np.dtype([("index", "<i4"), ("value", "<i4")])
_BORDERS, _BUCKETS, _MEANS, _COUNTERS = 0, 1, (2, 3), (4, 5)


def check(file: ModelFile, where: str) -> None:
    """Judge a model file's content, the parts of text and embedding features left out.

    Raises:
        ModelError: Something is missing or points outside; the file must not be given to CatBoost.
    """
    try:
        # CatBoost would tell of another version, and crashes where there is none.
        _demand(file.core.text(0) == _VERSION, "it is of no known version")
        _demand(file.core.fields <= _CORE_FIELDS, "it has more parts than are known")
        _information(file.core.tables(2))
        trees = file.core.table(1)
        _demand(trees.fields <= _TREE_FIELDS, "its trees have more parts than are known")
        used = _features(trees)
        _forest(trees, _bins(trees))
        _categories(trees, file, used)
    except (Damaged, struct.error, ValueError, OverflowError, RecursionError) as error:
        raise ModelError(f"{where} is damaged or hostile, and loading it could crash the process: {error}") from error


def _information(pairs: list[Table]) -> None:
    """What is known of the training, as texts of JSON: CatBoost reads them by recursion, and counts classes by them."""
    for pair in pairs:
        text = pair.text(1)
        _demand(_depth(text) <= _DEEPEST_TEXT, "a text is nested too deeply")
        if pair.text(0) in ("class_params", "multiclass_params"):
            count = json.loads(text).get("classes_count", 0)
            _demand(isinstance(count, int) and 0 <= count <= _MOST_CLASSES, "it claims too many classes")


def _depth(text: str) -> int:
    marks = np.frombuffer(text.encode("utf-8", "replace"), np.uint8)
    steps = np.isin(marks, (91, 123)).astype(np.int64) - np.isin(marks, (93, 125))
    return int(np.cumsum(steps).max(initial=0))


def _features(trees: Table) -> set[int]:
    """Check where each feature stands, and return the categorical ones that trees use."""
    places = []
    # By field: categorical, float, text, embedding; and where their positions are.
    for field, at in ((4, 0), (5, 1), (12, 0), (18, 0)):
        tables = trees.tables(field)
        own = np.array([(each.number(at, "i", -1), each.number(at + 1, "i", -1)) for each in tables], np.int64)
        own = own.reshape(-1, 2)
        _within(own, 0, _MOST_FEATURES, "a feature")
        _demand(bool((np.diff(own, axis=0) > 0).all()), "the features are not in order")
        places.append(own[:, 1])
    flat = np.concatenate(places)
    _demand(len(np.unique(flat)) == len(flat), "two features have one place")
    for each in trees.tables(5):
        _demand(0 <= each.number(5, "b") <= 2, "missing values are treated in no known way")
    return {int(each.number(0, "i", -1)) for each in trees.tables(4) if each.number(3, "?", True)}


def _bins(trees: Table) -> int:
    """Return how many conditions there are for trees to ask."""
    floats = [len(each.array(3, "<f4")) for each in trees.tables(5)]
    estimated = [len(each.array(3, "<f4")) for each in trees.tables(13)]
    hot = [len(each.array(1, "<i4")) for each in trees.tables(6)]
    counted = [len(each.array(1, "<f4")) for each in trees.tables(7)]
    counts = [*floats, *estimated, *hot, *counted]
    _demand(sum(-(-count // _PER_BIN) for count in counts) <= _MOST_BINS, "it has more borders than there can be")
    return sum(counts)


def _forest(trees: Table, bins: int) -> None:
    width = trees.number(0, "i")
    _demand(1 <= width <= _MOST_DIMENSIONS, "it has no outputs, or too many")
    _demand(len(trees.array(16, "<f8")) in (0, width), "the biases are not as many as the outputs")
    splits, sizes, starts = (trees.array(field, "<i4").astype(np.int64) for field in (1, 2, 3))
    values, weights = len(trees.array(8, "<f8")), len(trees.array(9, "<f8"))
    _demand(len(sizes) == len(starts), "the trees are not as many as announced")
    _demand(bool((sizes >= 0).all()), "a tree has less than no nodes")
    _demand(bool((starts == np.cumsum(sizes) - sizes).all()), "the trees do not follow each other")
    _demand(int(sizes.sum()) == len(splits), "the trees do not hold all splits")
    steps = trees.array(10, _STEP)
    if len(steps):
        leaves = _uneven(steps, trees.array(11, "<u4"), sizes, width)
        # Where nothing is asked at all, the splits are marks.
        _within(splits, 0, max(bins, 1), "a split")
        _demand(bins > 0 or not splits.any(), "a split lies outside")
    else:
        _demand(not len(trees.array(11, "<u4")), "there are leaves of no nodes")
        _demand(bool((sizes <= _DEEPEST_TREE).all()), "a tree is too deep")
        _within(splits, 0, bins, "a split")
        leaves = int((1 << sizes).sum())
    _demand(values == leaves * width, "the leaves are not as many as the trees need")
    _demand(weights in (0, leaves), "the weights are not as many as the leaves")
    _demand(len(trees.array(17, "<u4")) in (0, len(splits)), "the packed splits are not as many as the splits")


def _uneven(steps: Any, leaf_of: Any, sizes: Any, width: int) -> int:
    """Check trees whose nodes say how far their children are, and return how many leaves they have."""
    nodes = int(sizes.sum())
    _demand(len(steps) == nodes == len(leaf_of), "the nodes are not as many as announced")
    _demand(bool((sizes > 0).all()), "a tree has no nodes")
    ends = np.repeat(np.cumsum(sizes), sizes)
    for side in ("left", "right"):
        # Children lie behind their parents, so that no way leads in a circle.
        _demand(bool((np.arange(nodes) + steps[side] < ends).all()), "a child lies outside its tree")
    last = (steps["left"] == 0) | (steps["right"] == 0)
    leaves = leaf_of[last].astype(np.int64)
    _demand(bool((leaves == np.arange(len(leaves)) * width).all()), "the leaves are not in order")
    return len(leaves)


def _categories(trees: Table, file: ModelFile, used: set[int]) -> None:
    for each in trees.tables(6):
        _demand(each.number(0, "i", -1) in used, "a category belongs to no feature")
        texts = len(each.texts(2))
        _demand(texts in (0, len(each.array(1, "<i4"))), "the categories have not one text each")
    tables: dict[Any, int] = {}
    for table in file.ctr_tables():
        key = _base(table.table(0), used)
        _demand(key not in tables, "a feature has two tables")
        tables[key] = _counts(table, key[3])
    for feature in trees.tables(7):
        counter = feature.table(0)
        key = _base(counter.table(0), used)
        _demand(key in tables, "a feature has no table")
        if key[3] == _BUCKETS or (key[3] == _BORDERS and tables[key] > 2):
            _demand(0 <= counter.number(1, "i") < tables[key], "a class lies outside")


def _base(base: Table, used: set[int]) -> tuple[bytes, bytes, bytes, int, int]:
    """Return by what a table of counts is found."""
    combination, kind = base.table(0), int(base.number(1, "b"))
    _demand(0 <= kind <= max(_COUNTERS), "categories are counted in no known way")
    features = combination.array(0, "<i4")
    _demand(all(int(each) in used for each in features), "categories of an unused feature are counted")
    parts = (features, combination.array(1, _SPLIT), combination.array(2, _SPLIT))
    cats, floats, hot = (part.tobytes() for part in parts)
    return cats, floats, hot, kind, int(base.number(2, "i"))


def _counts(table: Table, kind: int) -> int:
    """Check a table of counts, and return how many classes it has."""
    raw, blob = table.array(1, "u1"), len(table.array(2, "u1"))
    _demand(len(raw) % _BUCKET.itemsize == 0, "a table is cut off")
    buckets = np.frombuffer(raw.tobytes(), _BUCKET)
    size, empty = len(buckets), buckets["hash"] == _EMPTY
    # A search goes on until it meets an empty place.
    _demand(size > 0 and size & (size - 1) == 0 and bool(empty.any()), "a table has no end")
    classes = int(table.number(4, "i"))
    if kind in _MEANS:
        each = 8
    elif kind in _COUNTERS:
        each = 4
    elif kind == _BORDERS and 0 <= classes <= 2:
        each = 8
    else:
        _demand(1 <= classes <= _MOST_CLASSES, "a table has no classes, or too many")
        each = 4 * classes
    _within(buckets["index"][~empty].astype(np.int64), 0, blob // each, "a category")
    return classes


def _within(values: Any, low: int, high: int, what: str) -> None:
    _demand(bool(((values >= low) & (values < high)).all()), f"{what} lies outside")


def _demand(holds: bool, otherwise: str) -> None:
    if not holds:
        raise Damaged(otherwise)
