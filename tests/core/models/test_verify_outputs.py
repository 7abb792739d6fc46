"""What is kept of a model's predictions, and when others count as the same."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import steno
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LinearRegression
from steno.errors import DamagedModel, ModelError
from steno.models import infer_signature, load_pyfunc, outputs, save_model
from steno.models.example import Example
from steno.models.outputs import OUTPUT_EXAMPLE, TOLERANCE, difference

NUMBERS = st.floats(-1e6, 1e6) | st.integers(-(10**6), 10**6)
PLAIN = st.recursive(
    NUMBERS | st.text(max_size=3) | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=8,
)


@given(PLAIN)
def test_a_value_equals_itself_after_json(value: object) -> None:
    assert difference(json.loads(json.dumps(value)), value) == ""


@given(st.lists(NUMBERS.filter(lambda x: abs(x) > 1e-3), min_size=1, max_size=4))
def test_numbers_may_differ_by_the_tolerance_and_no_more(numbers: list[float]) -> None:
    assert difference([x * (1 + TOLERANCE / 3) for x in numbers], numbers) == ""
    further = [*numbers[:-1], numbers[-1] + 3 * TOLERANCE * max(map(abs, numbers))]
    assert "in place of" in difference(further, numbers)
    assert f"[{len(numbers) - 1}]" in difference(further, numbers)


@pytest.mark.parametrize(
    ("found", "expected"),
    [(1, "1"), ("a", "b"), ([1], [1, 2]), ({"a": 1}, {"b": 1}), (None, 0), (True, 0), (math.inf, 1e308), ([[1]], [1])],
)
def test_what_is_another_thing_differs(found: object, expected: object) -> None:
    assert difference(found, expected)


def test_gaps_are_equal_however_they_are_written() -> None:
    assert difference([math.nan, None, math.inf], [None, math.nan, math.inf]) == ""


def test_what_nearly_cancels_out_is_compared_by_the_scale_of_the_rest() -> None:
    assert difference([1e-9, 1000.0], [-1e-9, 1000.0]) == ""
    assert difference([0.4, 1000.0], [0.2, 1000.0]) == "0.4 in place of 0.2 at [0]"


def test_many_differences_are_told_by_the_first(tmp_path: Path) -> None:
    assert difference([0] * 9, [1] * 9).endswith("0 in place of 1 at [2]; and more")


def test_predictions_are_kept_beside_a_model_under_its_seal(tmp_path: Path) -> None:
    X = pd.DataFrame({"a": [1.0, 2.0, 4.0]})
    save_model(LinearRegression().fit(X, 2 * X["a"]), tmp_path / "m", input_example=X)
    assert difference(outputs.kept(tmp_path / "m"), [2.0, 4.0, 8.0]) == ""
    assert load_pyfunc(tmp_path / "m").predict(X) == pytest.approx([2.0, 4.0, 8.0])
    (tmp_path / "m" / OUTPUT_EXAMPLE).write_text('{"predictions": [1]}')
    with pytest.raises(DamagedModel, match=OUTPUT_EXAMPLE):
        load_pyfunc(tmp_path / "m")


@pytest.mark.parametrize("made", [object(), np.zeros(400_000), {1, 2}])
def test_what_is_no_plain_data_or_too_much_of_it_is_not_kept(tmp_path: Path, made: object) -> None:
    example = Example.of(np.zeros((1, 2)))
    outputs.keep(tmp_path, made, example, infer_signature(example.inputs))
    assert list(tmp_path.iterdir()) == []
    assert outputs.kept(tmp_path) is None


def test_predictions_on_what_a_loaded_model_is_not_given_are_not_kept(tmp_path: Path) -> None:
    steno.pyfunc.save_model(tmp_path / "m", python_model=lambda model_input: list(model_input), input_example=["a"])
    assert outputs.kept(tmp_path / "m") is None  # a loaded model is given a table of one column


@pytest.mark.parametrize("text", ["", "[]", '{"other": 1}', "[" * 100_000])
def test_damaged_predictions_are_said(tmp_path: Path, text: str) -> None:
    (tmp_path / OUTPUT_EXAMPLE).write_text(text)
    with pytest.raises(ModelError, match="holds no predictions"):
        outputs.kept(tmp_path)
