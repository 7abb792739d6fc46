"""Models applied where the data is: in Spark's executors, Ray's actors, Dask's workers."""

from __future__ import annotations

from collections.abc import Mapping

from steno.hookspecs import hookimpl


@hookimpl
def steno_pyfunc_functions() -> Mapping[str, str]:
    """Offer one function for each engine; the engine is imported once it is called."""
    return {
        "spark_udf": "steno_scoring.spark:spark_udf",
        "ray_predictor": "steno_scoring.ray:ray_predictor",
        "dask_map": "steno_scoring.dask:dask_map",
    }
