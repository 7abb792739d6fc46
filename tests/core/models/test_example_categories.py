"""A column of categories in an input example comes back as one, with those that its rows do not show."""

from __future__ import annotations

import pandas as pd
import pytest
from steno.errors import ModelError
from steno.models import infer_signature
from steno.models.example import Example

FRAME = pd.DataFrame(
    {
        "text": pd.Categorical(["x", None], categories=["z", "x", "y"]),
        "number": pd.Categorical([1, None], categories=[3, 1], ordered=True),
        "truth": pd.Categorical([True, False]),
        "plain": ["a", "b"],
    }
)


@pytest.mark.parametrize("schema", [None, infer_signature(FRAME).inputs], ids=["no schema", "schema"])
def test_categories_come_back_with_their_order(tmp_path, schema):
    info = Example(FRAME).write(tmp_path)
    pd.testing.assert_frame_equal(Example.read(tmp_path, info, schema).inputs, FRAME)


def test_categories_that_are_many_or_no_plain_values_come_back_as_what_they_are_called(tmp_path):
    frame = pd.DataFrame(
        {
            "many": pd.Categorical(["1"], categories=list(map(str, range(1001)))),
            "day": pd.Categorical([pd.Timestamp("2020-01-01")]),
        }
    )
    info = Example(frame).write(tmp_path)
    assert "categories" not in info
    assert Example.read(tmp_path, info).inputs["many"].tolist() == ["1"]


@pytest.mark.parametrize("told", [["x"], [{"column": 9, "values": [], "ordered": False}], [{"column": 0}], 5])
def test_categories_that_are_told_wrongly_are_an_error_of_ours(tmp_path, told):
    info = Example(FRAME).write(tmp_path) | {"categories": told}
    with pytest.raises(ModelError, match="cannot be read"):
        Example.read(tmp_path, info)
