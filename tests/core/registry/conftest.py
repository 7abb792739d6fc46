"""A store with models in it: trained, logged, and ready to be registered."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import steno
from sklearn.linear_model import LinearRegression

X = np.arange(12.0).reshape(6, 2)


@pytest.fixture
def client(tracking):
    return steno.Client()


@pytest.fixture
def log():
    """Logs a model that predicts `slope * x`, in a run of its own, and gives what `log_model` gave."""

    def log(slope=1.0, path="model", **options):
        model = LinearRegression(fit_intercept=False).fit(X, slope * X.sum(axis=1))
        with steno.start_run():
            steno.log_param("slope", slope)
            return steno.sklearn.log_model(model, name=path, **options)

    return log


@pytest.fixture
def slope():
    """Tells by its predictions which model a URI loads."""
    return lambda uri: round(float(steno.pyfunc.load_model(uri).predict(X)[1] / X.sum(axis=1)[1]), 6)


@pytest.fixture
def registered(client, log):
    """The model "churn" with three versions; the second is in production and the champion."""
    infos = [log(slope, registered_model_name="churn") for slope in (1.0, 2.0, 3.0)]
    client.transition_model_version_stage("churn", 2, "Production")
    client.set_registered_model_alias("churn", "champion", 2)
    return SimpleNamespace(infos=infos, run_ids=[info.run_id for info in infos])
