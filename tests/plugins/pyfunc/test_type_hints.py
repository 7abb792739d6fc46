"""What type hints of `predict` say: the signature, and the form in which inputs arrive."""

from __future__ import annotations

import datetime
from typing import Any, Optional

import numpy as np
import pandas as pd
import polars as pl
import pytest
import steno
from steno.errors import InvalidValue
from steno.models import Manifest
from steno.pyfunc import save_model

from .conftest import FRAME, by_value, saved, trusting


def hinted(inputs, outputs=None):
    def predict(model_input):
        return list(model_input)

    predict.__module__ = "__main__"
    predict.__annotations__ = {"model_input": inputs} | ({} if outputs is None else {"return": outputs})
    return predict


@pytest.mark.parametrize(
    ("inputs", "outputs", "expected"),
    [
        (list[str], list[float], ({"type": "string"}, {"type": "double"})),
        (list[int], str, ({"type": "long"}, {"type": "string"})),
        (list[dict[str, int]], None, ({"type": "map", "values": {"type": "long"}}, {"type": "any"})),
        (list[list[float]], Any, ({"type": "array", "items": {"type": "double"}}, {"type": "any"})),
        (list[Any], pd.Series, ({"type": "any"}, {"type": "any"})),
        (list[int | str], None, ({"type": "any"}, {"type": "any"})),
        (list[datetime.datetime], list[bytes], ({"type": "datetime"}, {"type": "binary"})),
    ],
)
def test_type_hints_become_the_signature(inputs, outputs, expected, tmp_path):
    save_model(tmp_path / "model", python_model=hinted(inputs, outputs))
    manifest = Manifest.read(tmp_path / "model")
    found = [schema.to_dict() for schema in (manifest.signature.inputs, manifest.signature.outputs)]
    assert found == [[{**kind, "required": True}] for kind in expected]
    assert manifest.extra["is_signature_from_type_hint"] is True


@pytest.mark.parametrize("inputs", [str, pd.DataFrame, list, list[Optional[str]], list[set], "no_such_name"])  # noqa: UP045
def test_hints_that_describe_no_rows_leave_the_signature_out(inputs, tmp_path, caplog):
    save_model(tmp_path / "model", python_model=hinted(inputs))
    assert Manifest.read(tmp_path / "model").signature is None


def test_inputs_with_type_hints_stay_a_list_and_every_misfit_is_named(tmp_path):
    model = saved(hinted(list[str]), tmp_path)
    forms = [["a", "b"], pd.Series(["a", "b"]), pd.DataFrame({"x": ["a", "b"]}), np.array(["a", "b"])]
    for inputs in (*forms, pl.Series(["a", "b"]), pl.DataFrame({"x": ["a", "b"]})):
        assert model.predict(inputs) == ["a", "b"]
    assert model.predict([]) == []
    with pytest.raises(InvalidValue, match="element 1 takes string, not 1; element 2 takes string, not None"):
        model.predict(["a", 1, None])
    with pytest.raises(InvalidValue, match="takes a list, not str"):
        model.predict("a")


def test_classes_of_pydantic_are_made_from_dicts(tmp_path):
    pydantic = pytest.importorskip("pydantic")

    @by_value
    class Row(pydantic.BaseModel):
        a: int
        b: Optional[str] = None  # noqa: UP045
        c: list[float] = [0.5]  # noqa: RUF012

    save_model(tmp_path / "model", python_model=hinted(list[Row]))
    (spec,) = Manifest.read(tmp_path / "model").signature.inputs.to_dict()
    assert {name: each["required"] for name, each in spec["properties"].items()} == {"a": True, "b": False, "c": False}
    model = trusting(tmp_path / "model")
    (row,) = model.predict([{"a": 1}])
    assert (row.a, row.b, row.c) == (1, None, [0.5])
    assert model.predict([row]) == [row]
    rows = [{"a": 1, "b": "x"}, {"a": 2, "b": None}]
    for table in (pd.DataFrame(rows), pl.DataFrame(rows)):
        assert [(row.a, row.b) for row in model.predict(table)] == [(1, "x"), (2, None)]
    with pytest.raises(InvalidValue, match="element 0, property 'a' takes long"):
        model.predict([{"a": "x"}])


def test_a_given_signature_goes_before_the_hints(tmp_path):
    signature = steno.models.infer_signature(FRAME)
    save_model(tmp_path / "model", python_model=hinted(list[str]), signature=signature)
    manifest = Manifest.read(tmp_path / "model")
    assert manifest.signature == signature
    assert "is_signature_from_type_hint" not in manifest.extra
