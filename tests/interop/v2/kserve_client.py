"""KServe's client of the Open Inference Protocol asks three served models: `kserve_client.py <port> <port> <port>`."""

from __future__ import annotations

import asyncio
import json
import sys

import numpy as np
from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig

PLACES = dict(zip(("sums", "columns", "array"), (f"http://127.0.0.1:{port}" for port in sys.argv[1:]), strict=True))
DATATYPES = {"b1": "BOOL", "i4": "INT32", "i8": "INT64", "f4": "FP32", "f8": "FP64"}


async def asked(client, name, arrays, *, binary):
    """Arrays by name that a model returns, asked with JSON or bytes."""
    inputs = []
    for key, array in arrays.items():
        each = InferInput(key, list(array.shape), DATATYPES[array.dtype.str[1:]])
        each.set_data_from_numpy(array, binary_data=binary)
        inputs.append(each)
    request = InferRequest(name, inputs, request_id="7")
    found = await client.infer(PLACES[name], request, model_name=name)
    assert found.id == "7"
    return {each.name: each.as_numpy() for each in found.outputs}


async def main():
    """Ask."""
    client = InferenceRESTClient(RESTConfig(protocol="v2", retries=1))
    place = PLACES["sums"]
    told = {
        "live": await client.is_server_live(place),
        "ready": await client.is_server_ready(place),
        "model ready": await client.is_model_ready(place, "sums"),
        "sums": [],
    }
    for binary in (False, True):
        found = await asked(client, "sums", {name: np.array([1.0, 2.0, 3.0]) for name in "abcd"}, binary=binary)
        told["sums"].append(found["predict"].tolist())
        cube = np.arange(12, dtype="f4").reshape(3, 2, 2)
        found = await asked(client, "array", {"x": cube}, binary=binary)
        assert np.array_equal(found["twice"], cube * 2)
        assert np.array_equal(found["first"], cube[:, 0])
    try:
        await asked(client, "sums", {"a": np.array([1.0])}, binary=False)
    except Exception as error:
        told["refused"] = str(error)
    await client.close()
    print(json.dumps(told))


asyncio.run(main())
