"""Models to be sent to workers: one of a framework, and scripts that predict what a test wants."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import steno
from sklearn.linear_model import LinearRegression
from steno.models import ColSpec, ModelSignature, Schema

X = pd.DataFrame(np.arange(24.0).reshape(8, 3), columns=list("abc"))
SCRIPT = """
import numpy as np
import pandas as pd
import steno

class Model(steno.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        n = len(model_input)
        {body}

steno.models.set_model(Model())
"""
SPARK = {
    "spark.ui.enabled": "false",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.sql.execution.arrow.maxRecordsPerBatch": "3",
    "spark.executor.memory": "512m",
    "spark.driver.memory": "512m",
}


@pytest.fixture(scope="session")
def rows() -> pd.DataFrame:
    """Eight rows of three columns, none of which sum to the same."""
    return X


@pytest.fixture(scope="session")
def linear(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that sums three columns, and says so in its signature."""
    folder = tmp_path_factory.mktemp("linear") / "model"
    signature = ModelSignature(Schema([ColSpec("double", name) for name in X]), Schema([ColSpec("double")]))
    steno.save_model(LinearRegression().fit(X, X.sum(axis=1)), folder, signature=signature)
    return folder


@pytest.fixture(scope="session")
def scripted(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Make a model of a script whose `predict` has this body; it is trusted as `model.py`."""

    def scripted(body: str, **options: Any) -> Path:
        place = tmp_path_factory.mktemp("scripted")
        told = textwrap.indent(textwrap.dedent(body).strip(), " " * 8).strip()
        (place / "model.py").write_text(SCRIPT.format(body=told), "utf-8")
        steno.pyfunc.save_model(place / "model", python_model=place / "model.py", **options)
        return place / "model"

    return scripted


@contextmanager
def _session(master: str) -> Iterator[Any]:
    """Open a session; skip what needs one where there can be none."""
    sql = pytest.importorskip("pyspark.sql", reason="Spark is not installed; the extra steno[spark] brings it")
    if shutil.which("java") is None:
        pytest.skip("Spark needs Java 17 or later")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYSPARK_PYTHON", sys.executable)
        builder = sql.SparkSession.builder.master(master)
        for name, value in SPARK.items():
            builder = builder.config(name, value)
        found = builder.getOrCreate()
        try:
            found.sparkContext.setLogLevel("OFF")
            yield found
        finally:
            found.stop()


@pytest.fixture(scope="session")
def spark_session() -> Callable[[str], AbstractContextManager[Any]]:
    """How a module opens its session: `with spark_session(master)`; one at a time, as Spark has it."""
    return _session
