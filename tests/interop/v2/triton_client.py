"""NVIDIA's client of the Open Inference Protocol asks three served models: `triton_client.py <port> <port> <port>`."""

from __future__ import annotations

import json
import sys

import numpy as np
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException

ports = dict(zip(("sums", "columns", "array"), sys.argv[1:], strict=True))
clients = {name: triton.InferenceServerClient(f"127.0.0.1:{port}") for name, port in ports.items()}


def asked(name, arrays, binary, outputs=()):
    """Arrays by name that a model returns, asked with JSON or bytes."""
    inputs = []
    for key, array in arrays.items():
        kind = triton.InferInput(key, list(array.shape), DATATYPES[array.dtype.str[1:]])
        kind.set_data_from_numpy(array, binary_data=binary)
        inputs.append(kind)
    wanted = [triton.InferRequestedOutput(each, binary_data=binary) for each in outputs]
    found = clients[name].infer(name, inputs, request_id="7", outputs=wanted or None)
    answer = found.get_response()
    assert answer["id"] == "7", answer
    assert answer["model_name"] == name, answer
    return {each["name"]: found.as_numpy(each["name"]) for each in answer["outputs"]}


def refused(name, arrays):
    """What the client raises."""
    try:
        asked(name, arrays, binary=True)
    except InferenceServerException as error:
        return error.message()
    return ""


DATATYPES = {"b1": "BOOL", "i4": "INT32", "i8": "INT64", "f4": "FP32", "f8": "FP64", "O": "BYTES", "i1": "INT8"}
client = clients["sums"]
told = {
    "live": client.is_server_live(),
    "ready": client.is_server_ready(),
    "model ready": [client.is_model_ready("sums"), client.is_model_ready("other")],
    "server": client.get_server_metadata()["name"],
    "metadata": {name: each.get_model_metadata(name) for name, each in clients.items()},
}
rows = {name: np.array([1.0, 2.0, 3.0]) for name in "abcd"}
told["sums"] = [asked("sums", rows, binary, ["predict"])["predict"].tolist() for binary in (False, True)]
told["table"] = asked("sums", {"x": np.ones((2, 4))}, binary=True)["predict"].tolist()
columns = {
    "flag": np.array([True, False]),
    "i4": np.array([1, -(2**31)], "i4"),
    "i8": np.array([2, -(2**63)], "i8"),
    "f4": np.array([0.1, 2.5], "f4"),
    "f8": np.array([0.1, 1e300]),
    "text": np.array([b"one", "zw\N{LATIN SMALL LETTER O WITH DIAERESIS}lf".encode()], object),
}
for binary in (False, True):
    found = asked("columns", columns, binary)
    assert list(found) == list(columns), found
    for name, array in columns.items():
        assert found[name].dtype == array.dtype, (name, found[name].dtype)
        values = [each.encode() if isinstance(each, str) else each for each in found[name].tolist()]
        assert values == array.tolist(), (name, values)
cube = np.arange(12, dtype="f4").reshape(3, 2, 2)
for binary in (False, True):
    found = asked("array", {"x": cube}, binary)
    assert np.array_equal(found["twice"], cube * 2)
    assert found["twice"].dtype == np.float32
    assert np.array_equal(found["first"], cube[:, 0])
    assert list(asked("array", {"x": cube}, binary, ["first"])) == ["first"]
pending = client.async_infer("sums", [])
told["refused"] = {
    "less": refused("sums", {"a": np.array([1.0])}),
    "shape": refused("array", {"x": np.zeros((2, 2), "f4")}),
    "type": refused("array", {"x": np.zeros((1, 2, 2), "i1")}),
}
try:
    pending.get_result()
except InferenceServerException as error:
    told["refused"]["none"] = error.message()
for each in clients.values():
    each.close()
print(json.dumps(told))
