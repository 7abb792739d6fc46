"""The way of a model to executors that are processes of their own, as on other machines."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import steno

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.filterwarnings("ignore"),  # Spark's own, of itself and of pandas
]


def test_executors_have_the_model_where_its_folder_is_not(spark_session, linear, rows, tmp_path):
    shutil.copytree(linear, tmp_path / "model")
    with spark_session("local-cluster[1,1,512]") as spark:
        sums = steno.pyfunc.spark_udf(spark, tmp_path / "model")
        again = steno.pyfunc.spark_udf(spark, tmp_path / "model", "float")
        shutil.rmtree(tmp_path / "model")
        found = spark.createDataFrame(rows).select(sums().alias("one"), again().alias("two")).toPandas()
    np.testing.assert_allclose(found["one"], rows.sum(axis=1), rtol=1e-12)
    np.testing.assert_allclose(found["two"], rows.sum(axis=1), rtol=1e-6)
