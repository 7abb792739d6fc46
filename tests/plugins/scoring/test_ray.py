"""`steno.pyfunc.ray_predictor` on Ray itself, on this machine."""

from __future__ import annotations

import shutil

import numpy as np
import pandas as pd
import pytest
import steno
from steno.errors import InvalidValue

pytest.importorskip("ray.data", reason="Ray is not installed; the extra steno[ray] brings it")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.filterwarnings("ignore"),  # Ray's own, of itself and of pandas
]


@pytest.fixture(scope="module")
def ray():
    """Ray with two processors, and nothing said."""
    import ray

    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, configure_logging=False)
    ray.data.DataContext.get_current().enable_progress_bars = False
    yield ray
    ray.shutdown()


@pytest.mark.parametrize("actors", [False, True])
def test_workers_have_the_model_where_its_folder_is_not(ray, linear, rows, tmp_path, actors):
    shutil.copytree(linear, tmp_path / "model")
    predictor = steno.pyfunc.ray_predictor(tmp_path / "model", keep="number", actors=actors)
    shutil.rmtree(tmp_path / "model")
    dataset = ray.data.from_pandas(rows.assign(number=range(len(rows))))
    scored = dataset.map_batches(predictor, batch_format="pandas", batch_size=3, concurrency=1 if actors else None)
    found = scored.to_pandas().sort_values("number")
    assert list(found.columns) == ["number", "prediction"]
    np.testing.assert_allclose(found["prediction"], rows.sum(axis=1), rtol=1e-12)


def test_what_a_model_raises_ends_the_job_and_is_told(ray, scripted, rows):
    model = scripted("raise RuntimeError('no luck with ' + str(n))")
    predictor = steno.pyfunc.ray_predictor(model, trusted=["model.py"])
    dataset = ray.data.from_pandas(rows).map_batches(predictor, batch_format="pandas")
    with pytest.raises(Exception, match="no luck with 8"):
        dataset.materialize()


def test_batches_of_arrays_and_of_arrow_are_scored_too(ray, linear, rows):
    import pyarrow

    score = steno.pyfunc.ray_predictor(linear)
    forms = [rows, {name: rows[name].to_numpy() for name in rows}, pyarrow.Table.from_pandas(rows)]
    for each in forms:
        pd.testing.assert_series_equal(score(each)["prediction"], rows.sum(axis=1), check_names=False)
    keeping = steno.pyfunc.ray_predictor(linear, keep=["z"])
    with pytest.raises(InvalidValue, match=r"\['z'\] are to be kept"):
        keeping(rows)
    with pytest.raises(InvalidValue, match="no column of that name can be kept"):
        steno.pyfunc.ray_predictor(linear, keep=["prediction"])
