"""`POST /invocations` takes what MLflow's scoring server takes, and says what it cannot."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import steno
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from steno_serving.rows import Rows

from tests.plugins.serving.conftest import COLUMNS, Asking, Serve

ROW = [1, 2, 3.5, -4]
NAMED = dict(zip(COLUMNS, ROW, strict=True))


@pytest.fixture(scope="module")
def asking(serve: Serve, linear: Path) -> Asking:
    return serve(linear)


@pytest.mark.parametrize(
    "body",
    [
        {"dataframe_split": {"columns": COLUMNS, "data": [ROW, ROW]}},
        {"dataframe_split": {"columns": COLUMNS[::-1], "data": [ROW[::-1], ROW[::-1]]}},
        {"dataframe_split": {"columns": COLUMNS, "index": [7, 9], "data": [ROW, ROW]}},
        {"dataframe_split": {"columns": [*COLUMNS, "more"], "data": [[*ROW, "x"], [*ROW, "x"]]}},
        {"dataframe_records": [NAMED, NAMED]},
        {"dataframe_records": [dict(reversed(NAMED.items())), {**NAMED, "more": "x"}]},
        {"inputs": [NAMED, NAMED]},
        {"instances": [NAMED, NAMED]},
        {"inputs": {name: [value, value] for name, value in NAMED.items()}},
        {"dataframe_records": [{name: str(value) for name, value in NAMED.items()}] * 2, "other": 1},
    ],
)
def test_every_shape_of_a_table_gives_the_same_predictions(asking: Asking, body: Any) -> None:
    assert asking.predict(body) == pytest.approx([2.5, 2.5])


def test_csv_and_parquet_give_them_too(asking: Asking) -> None:
    frame = pd.DataFrame([ROW, ROW], columns=COLUMNS)
    assert asking.predict(frame.to_csv(index=False).encode(), "text/csv") == pytest.approx([2.5, 2.5])
    packed = io.BytesIO()
    frame.astype("float64").to_parquet(packed)
    found = asking.predict(packed.getvalue(), "application/vnd.apache.parquet")
    assert found == pytest.approx([2.5, 2.5])


@pytest.mark.parametrize(
    ("body", "code", "said"),
    [
        (b"", "BAD_REQUEST", "no JSON"),
        (b"{", "BAD_REQUEST", "no JSON"),
        ([ROW], "BAD_REQUEST", "object"),
        ({}, "BAD_REQUEST", "one of the keys"),
        ({"inputs": [], "instances": []}, "BAD_REQUEST", "one of the keys"),
        ({"dataframe_split": {"rows": []}}, "BAD_REQUEST", "rows"),
        ({"dataframe_records": {"a": 1}}, "BAD_REQUEST", "list of objects"),
        ({"dataframe_records": [{"a": 1}]}, "INVALID_PARAMETER_VALUE", "'b', 'c', 'd'"),
        ({"dataframe_records": [{**NAMED, "a": "x"}]}, "BAD_REQUEST", "'a' takes float64"),
        ({"dataframe_split": {"columns": COLUMNS, "data": [ROW], "params": 1}}, "BAD_REQUEST", "params"),
        ({"inputs": {**{name: [1] for name in COLUMNS}, "a": [1, 2]}}, "INVALID_PARAMETER_VALUE", "2 of 'a'"),
        ({"dataframe_records": [NAMED], "params": [1]}, "BAD_REQUEST", "object"),
    ],
)
def test_what_cannot_be_read_is_said_in_a_sentence(asking: Asking, body: Any, code: str, said: str) -> None:
    status, found, message = asking.refused(body)
    assert (status, found) == (400, code)
    assert said in message


@pytest.mark.parametrize(
    "content",
    ["", "text/plain", "application/json; charset=latin-1", "application/json; format=pandas-split", "nonsense"],
)
def test_other_types_of_content_are_not_taken(asking: Asking, content: str) -> None:
    status, _, said = asking.raw("POST", "/invocations", b"{}", content)
    assert status == 415
    assert b"content" in said


def test_the_charset_may_be_said(asking: Asking) -> None:
    body = {"dataframe_records": [NAMED]}
    for content in ("application/json; charset=UTF-8", "Application/JSON;Charset=utf-8"):
        assert asking.predict(body, content) == pytest.approx([2.5])


def test_probes_answer_and_other_paths_and_verbs_are_refused(asking: Asking) -> None:
    assert [asking.raw("GET", path)[::2] for path in ("/ping", "/health")] == [(200, b"\n")] * 2
    assert asking.raw("GET", "/version")[2].decode() == steno.__version__
    assert asking.raw("GET", "/invocations")[0] == 405
    assert asking.raw("GET", "/nothing")[0] == 404
    assert asking.raw("GET", "/ping", Host="evil.example")[0] == 403


def test_counts_and_a_description_are_there_for_programs(asking: Asking) -> None:
    asking.predict({"dataframe_records": [NAMED]})
    told = asking.raw("GET", "/metrics")[2].decode()
    assert 'steno_serving_requests_total{route="/invocations",method="POST",status="200"}' in told
    description = json.loads(asking.raw("GET", "/openapi.json")[2])
    forms = description["paths"]["/invocations"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert forms["oneOf"][1]["properties"]["dataframe_records"]["items"]["required"] == COLUMNS


SCALARS = {"double": 1.0, "long": 2, "boolean": True, "string": "x"}


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(
        st.fixed_dictionaries(
            {
                "d": st.floats(allow_nan=False, allow_infinity=False)
                | st.integers(-9, 9)
                | st.none()
                | st.text(max_size=2),
                "l": st.integers(-(2**65), 2**65) | st.booleans() | st.floats(-5, 5),
                "b": st.booleans() | st.integers(0, 1),
                "s": st.text(max_size=3) | st.none(),
            }
        ),
        min_size=1,
        max_size=3,
    )
)
def test_the_short_way_reads_what_the_long_way_reads(rows: list[dict[str, Any]]) -> None:
    from steno.models import ModelSignature, Schema, serving_input
    from steno.models.enforcement import enforce
    from steno.models.signature import ColSpec
    from steno.models.types import DataType

    kinds = {"d": DataType.double, "l": DataType.long, "b": DataType.boolean, "s": DataType.string}
    signature = ModelSignature(Schema([ColSpec(kind, name) for name, kind in kinds.items()]))
    reader = Rows.of(signature)
    assert reader is not None
    body = json.dumps({"dataframe_records": rows}).encode()
    short = reader.read(body)
    if short is not None:
        whole, _ = enforce(serving_input.parse(body, signature.inputs)[0], None, signature)
        pd.testing.assert_frame_equal(short, whole)
        split = {"columns": ["s", "b", "l", "d"], "data": [[row[name] for name in "sbld"] for row in rows]}
        other_order = reader.read(json.dumps({"dataframe_split": split}).encode())
        pd.testing.assert_frame_equal(other_order, whole)
    else:
        odd = [row for row in rows if not _plain(row)]
        assert odd, rows


def _plain(row: dict[str, Any]) -> bool:
    return (
        isinstance(row["d"], (int, float))
        and type(row["l"]) is int
        and -(2**63) <= row["l"] < 2**63
        and type(row["b"]) is bool
        and isinstance(row["s"], str)
    )


def test_what_a_model_returns_is_shown_as_json_has_it() -> None:
    from steno_serving import answers

    def shown(prediction: Any) -> Any:
        return json.loads(answers.encode(prediction))["predictions"]

    moment = pd.Timestamp("2024-01-02T03:04:05")
    assert shown(np.array([[1.0, np.nan], [np.inf, 2.0]])) == [[1.0, None], [None, 2.0]]
    assert shown(pd.DataFrame({"x": [1, 2], 3: ["a", None]})) == [{"x": 1, "3": "a"}, {"x": 2, "3": None}]
    assert shown(pd.Series([1, 2])) == [{"0": 1}, {"0": 2}]
    assert shown(pd.Series([moment, pd.NaT], name="at")) == [{"at": "2024-01-02T03:04:05"}, {"at": None}]
    assert shown({"a": np.float32(0.5), "b": b"xy"}) == {"a": 0.5, "b": "eHk="}
    assert shown("text") == "text"
    with pytest.raises(steno.errors.ModelError, match="cannot hold"):
        answers.encode(object())
