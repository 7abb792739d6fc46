"""Models that autologging keeps, registered under the name it was told."""

from __future__ import annotations

import numpy as np
import pytest
import steno
from sklearn.linear_model import LinearRegression
from steno.plugins import plugins

X = np.arange(12.0).reshape(6, 2)


@pytest.fixture(autouse=True)
def off():
    yield
    steno.autolog(disable=True)


def fit(slope=1.0):
    return LinearRegression(fit_intercept=False).fit(X, slope * X.sum(axis=1))


def test_each_training_is_a_version(client, slope):
    steno.autolog(registered_model_name="auto", silent=True)
    fit(1.0)
    with steno.start_run() as run:
        fit(2.0)
    steno.flush()
    versions = sorted(client.search_model_versions("name = 'auto'"), key=lambda each: each.version)
    assert [each.version for each in versions] == ["1", "2"]
    assert versions[1].run_id == run.info.run_id
    assert client.get_run(versions[0].run_id).data.params["fit_intercept"] == "False"
    assert [slope(f"models:/auto/{n}") for n in (1, 2)] == [1.0, 2.0]


def test_a_registry_that_refuses_is_told_on_the_run_and_the_training_goes_on(client, monkeypatch):
    monkeypatch.setenv("STENO_REGISTRY_URI", "carrier-pigeon://loft")
    assert plugins().stores.registry_stores.offers
    steno.autolog(registered_model_name="auto", silent=True)
    assert fit().coef_ == pytest.approx([1.0, 1.0])
    steno.flush()
    (run,) = client.search_runs(["0"])
    assert "nothing installed serves" in run.data.tags["steno.model_not_registered"]
    assert "model" in [each.path for each in client.list_artifacts(run.info.run_id)]
