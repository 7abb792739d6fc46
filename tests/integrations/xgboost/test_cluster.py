"""Training on a Dask cluster is one run, whether its workers are threads or processes."""

from __future__ import annotations

import pytest
import steno

from .conftest import only_run, series

distributed = pytest.importorskip("distributed", reason="Dask is not installed")
array = pytest.importorskip("dask.array", reason="Dask is not installed")


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("processes", [False, True])
def test_a_training_on_a_cluster_is_one_run(autolog, processes):
    from xgboost import dask

    autolog(log_models=True)
    cluster = distributed.LocalCluster(2, threads_per_worker=1, processes=processes, dashboard_address=None)
    with cluster, distributed.Client(cluster) as client:
        X = array.random.random((1000, 4), chunks=(250, 4))
        X, y = client.persist([X, (X[:, 0] > 0.5).astype(int)])
        matrix = dask.DaskDMatrix(client, X, y)
        params = {"objective": "binary:logistic", "nthread": 1}
        result = dask.train(client, params, matrix, num_boost_round=4, evals=[(matrix, "train")])
    run = only_run()
    assert run.info.status == "FINISHED"
    assert series(run, "train-logloss") == result["history"]["train"]["logloss"]
    assert run.data.params["num_boost_round"] == "4"
    assert steno.load_model(f"runs:/{run.info.run_id}/model").num_boosted_rounds() == 4
