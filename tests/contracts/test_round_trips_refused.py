"""What a `.skops` file would lose is refused as the model is saved, with the part, the reason and the remedy."""

from __future__ import annotations

import collections
import datetime
import enum
import functools
import re
import threading
from contextlib import suppress

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.cluster import Birch
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from steno.errors import ModelError
from steno.models import load_model, save_model, untrusted_types

from .round_trips import few

X = np.random.default_rng(0).normal(size=(12, 3))
y = X[:, 0] > 0


class Holding(RegressorMixin, BaseEstimator):
    """An estimator of the user's own with something in it."""

    def __init__(self, part=None):
        self.part = part

    def predict(self, X):
        return np.zeros(len(X))


class Colour(enum.Enum):
    RED = 1


class Level(enum.IntEnum):
    LOW = 1


class Text(str):
    pass


class Array(np.ndarray):
    pass


def lose():
    def inside(values):
        return values

    return inside


REFUSED = {
    "a lambda": (lambda values: values, "a lambda has no name"),
    "a function in a function": (lose(), "not found by name"),
    "a method of a class": (Holding.predict, "not found by name"),
    "a deque": (collections.deque([1]), "not what such a one is made from"),
    "an enum": (Colour.RED, "not what such a one is made from"),
    "a number of an enum": (Level.LOW, "a plain int"),
    "a text of its own": (Text("a"), "a plain str"),
    "a pattern": (re.compile("a"), "not what such a one is made from"),
    "a moment of pandas": (pd.Timestamp("2020-01-01"), "not what such a one is made from"),
    "a series": (pd.Series([1]), "not what such a one is made from"),
    "a kind of array": (np.arange(3).view(Array), "plain arrays only"),
    "an object as an array": (np.array({"a": 1}, object), "only if that has a dimension"),
    "keys None": ({None: 1}, "its key None"),
    "keys of two types": ({1: "a", "1": "b"}, "the same as text"),
    "a map with defaults": (collections.defaultdict(list, {1: []}), "texts as keys only"),
}


@pytest.mark.parametrize(("part", "reason"), REFUSED.values(), ids=REFUSED)
def test_what_would_not_come_back_is_refused_with_the_remedy(part, reason, tmp_path):
    """In one sentence; what was saved so before came back empty, changed, or could not be loaded."""
    with pytest.raises(ModelError) as caught:
        save_model(Holding({"deep": [part]}), tmp_path / "model", flavor="sklearn")
    assert "since its `part['deep'][0]" in str(caught.value)
    assert reason in str(caught.value)
    assert "save it with serialization_format='cloudpickle'" in str(caught.value)
    assert "trusted=" in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_part_of_scikit_learns_own_is_named_where_it_is(tmp_path):
    model = make_pipeline(FunctionTransformer(), Birch()).fit(X)
    with pytest.raises(
        ModelError, match=r"its `steps\[1\]\[1\]` is of type sklearn\.cluster\._birch\.Birch and its nodes"
    ):
        save_model(model, tmp_path / "model")
    save_model(model, tmp_path / "model", serialization_format="cloudpickle")
    names = untrusted_types(tmp_path / "model")
    np.testing.assert_array_equal(load_model(tmp_path / "model", trusted=names).predict(X), model.predict(X))


def test_what_no_format_can_hold_is_to_be_left_out(tmp_path):
    for form in ("skops", "cloudpickle", "pickle"):
        with pytest.raises(ModelError, match="leave that") as caught:
            save_model(Holding(threading.Lock()), tmp_path / "model", flavor="sklearn", serialization_format=form)
        assert "'cloudpickle'" not in str(caught.value) or form == "pickle"


def test_a_circle_is_refused(tmp_path):
    model = Holding()
    model.part = [model]
    with pytest.raises(ModelError, match="refers back to itself"):
        save_model(model, tmp_path / "model", flavor="sklearn")


PARTS = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary()
    | st.dates()
    | st.decimals(allow_nan=False)
    | st.sampled_from([np.mean, len, int, np.float32(1), slice(1, 2), functools.partial(np.mean, axis=0)])
    | st.builds(np.datetime64, st.just("2020-01-01"))
    | st.timedeltas()
    | st.just(datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(
            st.booleans() | st.text(max_size=2) | st.integers(-9, 9) | st.floats(-2, 2), inner, max_size=3
        )
        | st.frozensets(st.integers(), max_size=2)
        | st.sets(st.text(), max_size=2)
    ),
    max_leaves=5,
)


def shown(part):
    """What it is made of, type by type; sets have no order."""
    if isinstance(part, set | frozenset):
        return type(part), sorted(map(repr, part))
    if isinstance(part, list | tuple):
        return type(part), [shown(each) for each in part]
    if isinstance(part, dict):
        return [(shown(key), shown(value)) for key, value in part.items()]
    return repr(part)


@few(60)
@given(PARTS)
def test_what_is_not_refused_comes_back_as_it_was(tmp_path_factory, part):
    folder = tmp_path_factory.mktemp("parts") / "model"
    with suppress(ModelError):  # of keys that are the same as text
        save_model(Holding(part), folder, flavor="sklearn")
    assume(folder.exists())
    assert shown(load_model(folder, trusted=untrusted_types(folder)).part) == shown(part)


def test_weights_of_classes_that_are_true_and_false_come_back(tmp_path):
    """skops's own writer gives both keys to True."""
    model = LogisticRegression(class_weight={True: 3.0, False: 1.0}).fit(X, y)
    save_model(make_pipeline(model, LinearRegression())[0], tmp_path / "model")
    assert load_model(tmp_path / "model").class_weight == {True: 3.0, False: 1.0}
