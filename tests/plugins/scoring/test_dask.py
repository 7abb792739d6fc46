"""`steno.pyfunc.dask_map` with Dask's own schedulers: threads, processes, a cluster of workers."""

from __future__ import annotations

import shutil

import numpy as np
import pandas as pd
import pytest
import steno
from steno.errors import InvalidValue, ModelError, NotFound, SchemaMismatch
from steno.models import ColSpec, ModelSignature, Schema, TensorSpec

dataframe = pytest.importorskip("dask.dataframe", reason="Dask's data frames are not installed")

INPUTS = Schema([ColSpec("double", name) for name in "abc"])
TWO = ModelSignature(INPUTS, Schema([ColSpec("double", "mean"), ColSpec("string", "size")]))


@pytest.fixture
def frame(rows):
    """The rows in three partitions, with an index of their own."""
    return dataframe.from_pandas(rows.set_axis(range(100, 108)), npartitions=3)


@pytest.mark.parametrize("scheduler", ["threads", pytest.param("processes", marks=pytest.mark.slow)])
def test_predictions_have_the_index_and_partitions_of_the_frame(linear, frame, scheduler):
    found = steno.pyfunc.dask_map(frame, linear)
    assert (found.npartitions, found.name, found.dtype) == (3, "prediction", "float64")
    frame["sum"] = found
    computed = frame.compute(scheduler=scheduler, num_workers=1)
    pd.testing.assert_series_equal(computed["sum"], computed[["a", "b", "c"]].sum(axis=1), check_names=False)


def test_several_outputs_are_a_frame_of_the_types_that_the_signature_says(scripted, frame):
    model = scripted(
        "return pd.DataFrame({'size': ['large' if x > 9 else 'small' for x in model_input['c']], "
        "'mean': model_input.mean(axis=1).astype('float32')})",
        signature=TWO,
    )
    found = steno.pyfunc.dask_map(frame, model, trusted=["model.py"])
    computed = found[found["mean"] > 3].compute(scheduler="threads")
    assert list(computed.columns) == list(found.columns) == ["mean", "size"]
    assert computed["mean"].dtype == found["mean"].dtype == "float64"
    assert computed["size"].tolist() == ["small"] * 2 + ["large"] * 5
    assert computed.index.tolist() == list(range(101, 108))


def test_a_matrix_has_a_column_for_each_of_its_own(scripted, frame):
    signature = ModelSignature(INPUTS, Schema([TensorSpec("float32", (-1, 2))]))
    model = scripted("return model_input[['a', 'b']].to_numpy('float32')", signature=signature)
    found = steno.pyfunc.dask_map(frame, model, trusted=["model.py"]).compute(scheduler="threads")
    np.testing.assert_array_equal(found[["0", "1"]], frame[["a", "b"]].compute(scheduler="threads"))


def test_no_model_is_asked_about_no_rows(linear, frame):
    found = steno.pyfunc.dask_map(frame[frame["a"] < 0], linear)
    assert found.compute(scheduler="threads").tolist() == []


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::ResourceWarning")  # of distributed's own sockets, as its cluster ends
def test_a_cluster_has_the_model_where_its_folder_is_not(linear, frame, rows, tmp_path):
    distributed = pytest.importorskip("distributed")
    shutil.copytree(linear, tmp_path / "model")
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=1, dashboard_address=None, host="127.0.0.1"
        ) as cluster,
        distributed.Client(cluster),
    ):
        found = steno.pyfunc.dask_map(frame, tmp_path / "model")
        shutil.rmtree(tmp_path / "model")
        np.testing.assert_allclose(found.compute(), rows.sum(axis=1), rtol=1e-12)
    with pytest.raises(NotFound, match="no worker of the cluster"):
        found.compute(scheduler="threads")


def test_what_does_not_fit_is_said_at_once(linear, scripted, frame, rows):
    with pytest.raises(SchemaMismatch, match=r"missing inputs \['b'\]"):
        steno.pyfunc.dask_map(frame[["a", "c"]], linear)
    with pytest.raises(InvalidValue, match=r"dask\.dataframe\.DataFrame is needed"):
        steno.pyfunc.dask_map(rows, linear)
    silent = scripted("return [1.0] * n", signature=ModelSignature(INPUTS))
    with pytest.raises(InvalidValue, match=r"does not say what it predicts.*set_signature"):
        steno.pyfunc.dask_map(frame, silent, trusted=["model.py"])


def test_what_a_model_raises_or_predicts_wrongly_ends_the_computation(scripted, frame):
    signature = ModelSignature(INPUTS, Schema([ColSpec("long")]))
    raises = scripted(
        "if 0.0 in model_input['a'].tolist(): raise RuntimeError('row zero')\nreturn [1] * n", signature=signature
    )
    with pytest.raises(RuntimeError, match="row zero"):
        steno.pyfunc.dask_map(frame, raises, trusted=["model.py"]).compute(scheduler="threads")
    wrong = scripted("return ['a'] * n", signature=signature)
    with pytest.raises(ModelError, match="which is no long"):
        steno.pyfunc.dask_map(frame, wrong, trusted=["model.py"]).compute(scheduler="threads")
