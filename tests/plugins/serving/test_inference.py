"""`/v2` speaks the Open Inference Protocol, in JSON and with tensors as bytes."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import steno
from steno_serving import inference

from tests.plugins.serving.conftest import COLUMNS, Asking, Serve

INFER = "/v2/models/lin/infer"


@pytest.fixture(scope="module")
def asking(serve: Serve, linear: Path) -> Asking:
    return serve(linear)


def columns(values: list[float]) -> list[dict[str, Any]]:
    return [{"name": name, "shape": [len(values)], "datatype": "FP64", "data": values} for name in COLUMNS]


def test_probes_and_metadata_tell_of_the_model(asking: Asking) -> None:
    model = {"name": "lin", "ready": True}
    probes = {"health/live": {"live": True}, "health/ready": {"ready": True}, "models/lin/ready": model}
    for path, told in {**probes, "models/lin/versions/1/ready": model}.items():
        status, _, answer = asking.raw("GET", f"/v2/{path}")
        assert (status, json.loads(answer)) == (200, told), path
    assert json.loads(asking.raw("GET", "/v2")[2])["extensions"] == ["binary_tensor_data"]
    told = json.loads(asking.raw("GET", "/v2/models/lin")[2])
    assert (told["name"], told["versions"], told["platform"]) == ("lin", ["1"], "steno_sklearn")
    assert told["inputs"][0] == {"name": "a", "datatype": "FP64", "shape": [-1]}
    assert [each["name"] for each in told["outputs"]] == ["predict"]
    assert asking.raw("GET", "/v2/models/other")[0] == 404


def test_columns_come_as_tensors_by_name(asking: Asking) -> None:
    status, told = asking.infer({"id": "7", "inputs": columns([1.0, 2.0])}, "/v2/models/lin/versions/1/infer")
    assert status == 200
    assert (told["model_name"], told["model_version"], told["id"]) == ("lin", "1", "7")
    (output,) = told["outputs"]
    assert (output["name"], output["shape"], output["datatype"]) == ("predict", [2], "FP64")
    assert output["data"] == pytest.approx([4.0, 8.0])


@pytest.mark.parametrize("data", [[[1, 2, 3, 4], [0, 0, 0, 1]], [1, 2, 3, 4, 0, 0, 0, 1]])
def test_a_whole_table_may_come_as_one_tensor_nested_or_flat(asking: Asking, data: Any) -> None:
    status, told = asking.infer({"inputs": [{"name": "x", "shape": [2, 4], "datatype": "FP64", "data": data}]})
    assert status == 200, told
    assert told["outputs"][0]["data"] == pytest.approx([10.0, 1.0])


def test_tensors_go_as_bytes_both_ways(asking: Asking) -> None:
    rows = np.arange(8.0).reshape(2, 4)
    tensor = {"name": "x", "shape": [2, 4], "datatype": "FP64", "parameters": {"binary_data_size": rows.nbytes}}
    head = json.dumps({"inputs": [tensor], "outputs": [{"name": "predict", "parameters": {"binary_data": True}}]})
    length = {"Inference_Header_Content_Length": str(len(head))}
    status, headers, answer = asking.raw(
        "POST", INFER, head.encode() + rows.tobytes(), "application/octet-stream", **length
    )
    assert status == 200, answer
    size = int(headers["inference-header-content-length"])
    (output,) = json.loads(answer[:size])["outputs"]
    assert output["parameters"] == {"binary_data_size": 16}
    assert np.frombuffer(answer[size:]) == pytest.approx(rows.sum(axis=1))


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "inputs"),
        ({"inputs": []}, "inputs"),
        ({"inputs": columns([1.0])[:3]}, "'d'"),
        ({"inputs": [*columns([1.0])[:3], *columns([1.0])[:1]]}, "name of its own"),
        ({"inputs": [{"name": "x", "shape": [1, 5], "datatype": "FP64", "data": [1]}]}, "shape [1, 5]"),
        ({"inputs": [{"name": "x", "shape": [-1, 4], "datatype": "FP65", "data": [1]}]}, "datatype 'FP65'"),
        ({"inputs": [{"name": "x", "shape": [1], "datatype": "INT8", "data": ["x"]}]}, "no INT8"),
        ({"inputs": columns([1.0]), "outputs": [{"name": "other"}]}, "no output other"),
        ({"inputs": [{**columns([1.0])[0], "parameters": {"binary_data_size": 8}}]}, "bytes behind"),
    ],
)
def test_what_is_wrong_is_said_in_the_protocols_form(asking: Asking, body: Any, said: str) -> None:
    status, told = asking.infer(body)
    assert status == 400
    assert said in told["error"]


def test_a_length_that_is_none_is_refused(asking: Asking) -> None:
    for value in ("x", "-1", "99999999999999"):
        status, _, answer = asking.raw("POST", INFER, b"{}", Inference_Header_Content_Length=value)
        assert status == 400, answer


@pytest.mark.parametrize("datatype", sorted(inference.DTYPES))
def test_every_datatype_arrives_as_it_was_sent_in_json_and_in_bytes(datatype: str) -> None:
    sent = np.array([[0, 1], [1, 0]], inference.DTYPES[datatype])
    tensor = {"name": "x", "shape": [2, 2], "datatype": datatype}
    plain = json.dumps({"inputs": [{**tensor, "data": sent.tolist()}]}).encode()
    head = json.dumps({"inputs": [{**tensor, "parameters": {"binary_data_size": sent.nbytes}}]}).encode()
    for body, length in ((plain, None), (head + sent.tobytes(), len(head))):
        request, arrays = inference.read(body, length)
        assert arrays["x"].dtype == sent.dtype
        assert (arrays["x"] == sent).all()
    for wanted in ({}, {"binary_data": True}):
        request.outputs = [inference.Wanted("x", wanted)]
        answer, length = inference.answer(request, {"x": sent}, {})
        (output,) = json.loads(answer[:length])["outputs"]
        found = output["data"] if length is None else np.frombuffer(answer[length:], sent.dtype).tolist()
        assert found == sent.ravel().tolist()


def test_texts_are_bytes_with_their_lengths() -> None:
    packed = b"".join(struct.pack("<I", len(raw)) + raw for raw in (b"ab", "ö".encode(), b"\xff"))
    head = json.dumps(
        {"inputs": [{"name": "x", "shape": [3], "datatype": "BYTES", "parameters": {"binary_data_size": len(packed)}}]}
    ).encode()
    _, arrays = inference.read(head + packed, len(head))
    assert arrays["x"].tolist() == ["ab", "ö", b"\xff"]
    with pytest.raises(steno.errors.InvalidValue, match="no BYTES"):
        inference.read(head.replace(str(len(packed)).encode(), b"5") + packed[:5], len(head) - 1)


def test_tables_dicts_and_texts_become_named_outputs() -> None:
    import pandas as pd

    found = inference.outputs_of(pd.DataFrame({"p": [0.5], "label": ["x"]}), None)
    assert {name: array.tolist() for name, array in found.items()} == {"p": [0.5], "label": ["x"]}
    assert list(inference.outputs_of({"a": [1], "b": [2.0]}, None)) == ["a", "b"]
    with pytest.raises(steno.errors.ModelError, match="complex128"):
        inference.outputs_of(np.array([1j]), None)
