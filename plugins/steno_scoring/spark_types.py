"""Results as Spark's types, and back."""

from __future__ import annotations

from typing import Any

from pyspark.errors import PySparkException
from pyspark.sql import types
from pyspark.sql.functions import udf
from steno.errors import InvalidValue
from steno.models.types import Array, DataType

from steno_scoring.results import Fields, Result

_SCALARS: dict[DataType, types.DataType] = {
    DataType.boolean: types.BooleanType(),
    DataType.integer: types.IntegerType(),
    DataType.long: types.LongType(),
    DataType.float: types.FloatType(),
    DataType.double: types.DoubleType(),
    DataType.string: types.StringType(),
    DataType.binary: types.BinaryType(),
    DataType.datetime: types.TimestampType(),
}
_BACK = {type(spark): kind for kind, spark in _SCALARS.items()}
_TEXTS = {"bool": "boolean"}  # what MLflow's users write and Spark does not know


def as_spark(result: Any) -> types.DataType:
    """Return Spark's type for a result, one of its own as it is, or what a DDL text says.

    Raises:
        InvalidValue: A text that is no type.
    """
    if isinstance(result, types.DataType):
        return result
    if isinstance(result, Fields):
        return types.StructType([types.StructField(name, as_spark(kind)) for name, kind in result.fields])
    if isinstance(result, Array):
        return types.ArrayType(as_spark(result.dtype))
    if isinstance(result, DataType):
        return _SCALARS[result]
    if not isinstance(result, str):
        raise InvalidValue(f"result_type is a type of Spark's or its text, as 'double', not {result!r}")
    try:
        # Of all that reads such a text, this alone is public in every version.
        return udf(lambda: None, _TEXTS.get(result.strip().lower(), result)).returnType
    except PySparkException as error:
        raise InvalidValue(f"result_type {result!r} is no type that Spark reads: {_first(error)}") from error


def as_result(spark: types.DataType) -> Result:
    """Return what is asked for by a type of Spark's. Raises: InvalidValue for one that no prediction becomes."""
    if isinstance(spark, types.StructType):
        return Fields(tuple((each.name, _inner(each.dataType)) for each in spark.fields))
    return _inner(spark)


def _inner(spark: types.DataType) -> DataType | Array:
    if isinstance(spark, types.ArrayType):
        return Array(_inner(spark.elementType))
    try:
        return _BACK[type(spark)]
    except KeyError:
        raise InvalidValue(
            f"no prediction becomes {spark.simpleString()}; result_type is {', '.join(_names())}, an array of one, or "
            "a struct of those"
        ) from None


def _names() -> list[str]:
    return [spark.simpleString() for spark in _SCALARS.values()]


def _first(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
