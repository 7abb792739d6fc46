"""What type hints of `predict` say: the signature, and the form in which inputs arrive."""

from __future__ import annotations

import dataclasses
import datetime
from typing import Any, NotRequired, Optional, TypedDict

import numpy as np
import pandas as pd
import polars as pl
import pytest
import steno
from steno.errors import InvalidValue
from steno.models import DataType, Manifest, Object, Property
from steno.pyfunc import save_model
from steno_pyfunc.calling import as_hinted

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


field = dataclasses.field
# Not as classes: this file's annotations are text, which a class that is pickled by value cannot resolve.
Point = by_value(
    dataclasses.make_dataclass(
        "Point",
        [("x", float), ("name", Optional[str], None), ("tags", list[str], field(default_factory=list))],  # noqa: UP045
    )
)
Path = by_value(
    dataclasses.make_dataclass(
        "Path",
        [
            ("first", Point),
            ("others", list[Point]),
            ("by_name", dict[str, Point], field(default_factory=dict)),
            ("size", int, field(default=0, init=False)),
        ],
    )
)


@by_value
@dataclasses.dataclass
class Textual:
    x: float
    inner: Textual | None = None


class Order(TypedDict):
    item: str
    count: NotRequired[int]


def test_dataclasses_are_made_from_dicts_and_those_inside_them_too(tmp_path):
    save_model(tmp_path / "model", python_model=hinted(list[Path]))
    (spec,) = Manifest.read(tmp_path / "model").signature.inputs.to_dict()
    required = {name: each["required"] for name, each in spec["properties"].items()}
    assert required == {"first": True, "others": True, "by_name": False}
    model = trusting(tmp_path / "model")
    given = {"first": {"x": 1.0}, "others": [{"x": 2.0, "name": None, "tags": ["a"]}], "by_name": {"p": {"x": 3.0}}}
    (path,) = model.predict([given])
    assert (path.first.x, path.first.name, path.first.tags, path.size) == (1.0, None, [], 0)
    assert (path.others[0].tags, path.by_name["p"].x) == (["a"], 3.0)
    assert model.predict([path])[0] is path
    with pytest.raises(InvalidValue, match="property 'x' takes double, not 'far'"):
        model.predict([{"first": {"x": "far"}, "others": []}])
    with pytest.raises(InvalidValue, match="lacks the property 'first'"):
        model.predict([{"others": []}])


def test_hints_that_are_text_are_no_trouble_where_they_are_not_needed(tmp_path):
    schema = steno.models.Schema([steno.models.ColSpec(Object([Property("x", DataType.double)]))])
    signature = steno.models.ModelSignature(schema)
    save_model(tmp_path / "model", python_model=hinted(list[Textual]), signature=signature)
    model = trusting(tmp_path / "model").unwrap_python_model()
    (made,) = as_hinted(model, [{"x": 1.0}])
    assert (type(made).__name__, made.x) == ("Textual", 1.0)
    with pytest.raises(InvalidValue, match="code_paths"):
        as_hinted(model, [{"x": 1.0, "inner": {"x": 2.0}}])


def test_a_typed_dict_says_what_it_holds_and_stays_a_dict(tmp_path):
    save_model(tmp_path / "model", python_model=hinted(list[Order]))
    (spec,) = Manifest.read(tmp_path / "model").signature.inputs.to_dict()
    assert spec["properties"] == {
        "count": {"type": "long", "required": False},
        "item": {"type": "string", "required": True},
    }
    model = trusting(tmp_path / "model")
    assert model.predict([{"item": "a"}, {"item": "b", "count": 2}]) == [{"item": "a"}, {"item": "b", "count": 2}]
    with pytest.raises(InvalidValue, match="lacks the property 'item'"):
        model.predict([{"count": 2}])


def test_a_given_signature_goes_before_the_hints(tmp_path):
    signature = steno.models.infer_signature(FRAME)
    save_model(tmp_path / "model", python_model=hinted(list[str]), signature=signature)
    manifest = Manifest.read(tmp_path / "model")
    assert manifest.signature == signature
    assert "is_signature_from_type_hint" not in manifest.extra
