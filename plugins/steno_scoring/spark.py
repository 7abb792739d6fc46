"""A model as a function of Spark's columns: `steno.pyfunc.spark_udf`, as MLflow's users know it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from steno.errors import InvalidValue, MissingDependency, SchemaMismatch
from steno.models import frames
from steno.models.signature import ModelSignature, Schema
from steno.models.types import DataType

from steno_scoring.archive import archives, pack
from steno_scoring.declared import result_of
from steno_scoring.predictions import table
from steno_scoring.results import Fields, Result, fitted
from steno_scoring.sent import Chosen, Here, Place, SentModel, choose, sent

if TYPE_CHECKING:
    from pyspark.sql import SparkSession
    from pyspark.sql.types import DataType as SparkType


class SparkFile(Struct, frozen=True):
    """An archive that Spark fetches and unpacks, once for each executor."""

    name: str

    def folder(self) -> Path:
        """Return where Spark put it."""
        from pyspark import SparkFiles

        return Path(SparkFiles.get(self.name))


class Scorer(Struct, frozen=True):
    """What an executor is told: the model, its params, the result that is asked for."""

    model: SentModel
    params: dict[str, Any]
    result: Result

    def score(self, batch: Any) -> Any:
        """Return the results for one Arrow batch.

        Raises:
            SchemaMismatch: The columns are not what the model takes.
            ModelError: The model cannot be had here, or predicts what is no such result.
        """
        model = self.model.model()
        data = framed(batch, model.signature.inputs if model.signature is not None else None)
        return fitted(table(model.predict(data, self.params), len(data)), self.result)


def spark_udf(
    spark: SparkSession,
    model_uri: str | Path,
    result_type: str | SparkType | None = None,
    env_manager: str | None = None,
    params: Mapping[str, Any] | None = None,
    extra_env: Mapping[str, str] | None = None,
    prebuilt_env_uri: str | None = None,
    model_config: Mapping[str, Any] | str | Path | None = None,
    *,
    trusted: Collection[str] = (),
) -> Callable[..., Any]:
    """Return a model as a function of columns, which Spark calls with Arrow batches.

    Called without arguments it takes the columns that the signature names, with a struct that struct's, with columns
    these, named by the signature in its order, else by their number. It can be registered for SQL.

    Args:
        spark: The session whose executors are to have the model; each process loads it once.
        model_uri: As for `load_model`; followed now, and on this machine.
        result_type: Of one value, a list of them, or a struct: a type of Spark's or its DDL text; None for what the
            signature says of the outputs, else double.
        env_manager: "local", the environment that the executors have, is all there is.
        params: Of the model's `predict`.
        extra_env, prebuilt_env_uri: Of other environments, which there are none of.
        model_config: Goes before the configuration saved with it.
        trusted: What it may construct beyond its framework's own types, by qualified name.

    Raises:
        MissingDependency: Spark, pandas or pyarrow is not installed.
        InvalidValue: A result type that is none, another environment.
        NotFound, ModelError, UntrustedTypes, SchemaMismatch: As from `load_model`, and for params.
    """
    try:
        import pyarrow  # noqa: F401
        from pyspark.sql.functions import pandas_udf
    except ImportError as error:
        raise MissingDependency("steno.pyfunc.spark_udf", "'steno[spark]'") from error
    from steno_scoring.spark_types import as_result, as_spark

    _refuse_environments(env_manager, extra_env, prebuilt_env_uri)
    chosen = choose(model_uri, params=params, model_config=model_config, trusted=trusted)
    signature = chosen.manifest.signature or ModelSignature()
    spark_type = as_spark(result_type or result_of(signature.outputs) or DataType.double)
    result = as_result(spark_type)
    scorer = Scorer(sent(chosen, _placed(spark, chosen)), chosen.params, result)
    udf = pandas_udf(_batches(scorer, whole=isinstance(result, Fields)), spark_type)
    return _of_columns(udf, signature.inputs, chosen)


def framed(batch: Any, schema: Schema | None) -> Any:
    """Return the columns of a batch as a DataFrame.

    Args:
        batch: What Spark hands over: a Series, a DataFrame for a struct, or a tuple of such.
        schema: What the model takes. Columns have its names in its order, numbers if there are none.

    Raises:
        InvalidValue: A struct beside other columns.
        SchemaMismatch: There are fewer columns than the model takes.
    """
    import pandas as pd

    named = schema.input_names() if schema is not None and schema.has_names else []
    if frames.is_dataframe(batch):
        odd = {str(name): name for name in named if not isinstance(name, str)}
        return batch.rename(columns=odd) if odd else batch
    columns = batch if isinstance(batch, tuple) else (batch,)
    if any(frames.is_dataframe(each) for each in columns):
        raise InvalidValue("give the model one struct of columns, or columns; not a struct beside others")
    if schema is not None and len(columns) < len(named):
        named = schema.required_input_names()
        if len(columns) < len(named):
            raise SchemaMismatch([f"the model takes the columns {named}, in this order, and got {len(columns)}"])
    names = named or list(map(str, range(len(columns))))
    return pd.concat(dict(zip(names, columns, strict=False)), axis=1)


def _batches(scorer: Scorer, *, whole: bool) -> Callable[..., Any]:
    """Return what Spark runs; it tells the form of the results by the hints."""
    import pandas as pd

    def score(batches: Any) -> Any:
        for batch in batches:
            yield scorer.score(batch)

    returned: Any = pd.DataFrame if whole else pd.Series
    score.__annotations__ = {"batches": Iterator[tuple[pd.Series, ...]], "return": Iterator[returned]}
    return score


def _placed(spark: SparkSession, chosen: Chosen) -> Place:
    """Bring the model to the executors, unless they are on this machine."""
    from pyspark.errors import PySparkException

    try:
        context = spark.sparkContext
    except PySparkException as error:
        raise InvalidValue(
            "a session of Spark Connect carries no files to the executors in a way that holds in every version; give "
            "the session of the machine that the driver runs on"
        ) from error
    if str(context.master).partition("[")[0] == "local":
        return Here(str(chosen.path))
    archive = archives() / f"{chosen.name}.zip"
    if not archive.exists():
        pack(chosen.path, archive)
    context.addArchive(f"{archive}#{chosen.name}")
    return SparkFile(chosen.name)


def _of_columns(udf: Any, inputs: Schema | None, chosen: Chosen) -> Callable[..., Any]:
    @functools.wraps(udf)
    def predict(*columns: Any) -> Any:
        return udf(*(columns or (_declared(inputs),)))

    predict.__doc__ = f"Predict with model {chosen.uri}."
    vars(predict)["metadata"] = chosen.manifest
    return predict


def _declared(inputs: Schema | None) -> Any:
    from pyspark.sql.functions import struct

    if inputs is None or not inputs.has_names:
        raise InvalidValue("the model's signature names no columns; call the function with columns, or with a struct")
    if optional := inputs.optional_input_names():
        raise InvalidValue(
            f"some columns of the model may be missing ({', '.join(map(str, optional))}), so nobody knows which are "
            "meant; call the function with a struct of those there are"
        )
    quoted = (str(name).replace("`", "``") for name in inputs.input_names())
    return struct(*(f"`{name}`" for name in quoted))


def _refuse_environments(env_manager: str | None, extra_env: Any, prebuilt_env_uri: Any) -> None:
    if env_manager not in (None, "local"):
        raise InvalidValue(
            f"env_manager={env_manager!r} is not there: models are loaded in the environment that the executors have, "
            "'local'; install there what steno.pyfunc.get_model_dependencies(model_uri) lists"
        )
    if prebuilt_env_uri is not None:
        raise InvalidValue("prebuilt_env_uri is not there: give Spark the environment (spark.archives) in its place")
    if extra_env:
        first = next(iter(extra_env))
        raise InvalidValue(f"extra_env is not there: give Spark the variables (spark.executorEnv.{first}) in its place")
