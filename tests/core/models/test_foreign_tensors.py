"""Tensors of other libraries than numpy as examples and samples, and what a flavor is told of an example."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.linear_model import LinearRegression
from steno.errors import InvalidValue, ModelError
from steno.models import frames, infer_signature, pickles, save_model
from steno.models.example import Example
from steno.models.pyfunc import version_differences
from steno.models.requirements import installed, pinned, public


def test_a_tensor_is_described_as_the_array_it_holds():
    signature = infer_signature(torch.ones(5, 3, requires_grad=True), {"y": torch.zeros(5, dtype=torch.int64)})
    assert signature == infer_signature(np.ones((5, 3), np.float32), {"y": np.zeros(5, np.int64)})


def test_a_tensor_as_an_example_is_kept_as_numbers(tmp_path):
    example = Example.of({"a": torch.ones(1, 2), "b": 3})
    info = example.write(tmp_path)
    assert isinstance(example.inputs["a"], np.ndarray)
    assert Example.read(tmp_path, info).inputs == {"a": [[1.0, 1.0]], "b": 3}
    assert Example.of((torch.ones(1), {"k": 1})).params == {"k": 1}


@pytest.mark.parametrize(
    "value",
    [np.ones(2), np.float32(1), pd.Series([1]), pd.DataFrame({"a": [1]}), "text", 1.5, [1, 2], None, object()],
    ids=lambda value: type(value).__name__,
)
def test_whatever_is_no_tensor_stays_the_very_object(value):
    assert frames.arrayed(value) is value


def test_what_reads_from_a_file_is_not_read():
    class OnDisk:
        dtype, shape = np.dtype("f4"), (10**9,)

        def __array__(self, *_, **__):
            pytest.fail("read")

    assert isinstance(frames.arrayed(OnDisk()), OnDisk)


def test_a_tensor_that_numpy_has_no_type_for_is_said_to_be_so():
    with pytest.raises(InvalidValue, match="bfloat16"):
        frames.arrayed(torch.ones(1, dtype=torch.bfloat16))


def test_a_local_build_is_no_version_to_install(tmp_path):
    assert public("2.13.0+cpu") == public("2.13.0") == "2.13.0"
    assert pinned(("torch",)) == [f"torch=={torch.__version__.partition('+')[0]}"]
    assert "+" not in installed("torch")[1]
    manifest = save_model(LinearRegression().fit([[1.0]], [1.0]), tmp_path / "model")
    (tmp_path / "model" / "requirements.txt").write_text(f"torch=={public(torch.__version__)}\ntorch==1.0", "utf-8")
    assert version_differences(tmp_path / "model", manifest) == [f"torch 1.0, here {torch.__version__}"]


def test_objects_from_beside_a_pickle_are_admitted_only_where_the_format_has_them(tmp_path):
    torch.save(torch.ones(2), tmp_path / "x")
    data = torch._C.PyTorchFileReader(str(tmp_path / "x")).get_record("data.pkl")
    assert "torch._utils._rebuild_tensor_v2" in pickles.imports(data, "x", persistent=True)
    with pytest.raises(ModelError, match="BINPERSID"):
        pickles.imports(data, "x")
    with pytest.raises(ModelError, match="EXT1"):
        pickles.imports(b"\x80\x02\x82\x01.", "x", persistent=True)
    assert pickles.imports(pickle.dumps({}), "x", persistent=True) == frozenset()
