"""`steno.pyfunc.spark_udf` on Spark itself, with two executors' threads and a process for each."""

from __future__ import annotations

import json

import pandas as pd
import pytest
import steno
from steno.errors import InvalidValue
from steno.models import ColSpec, ModelSignature, ParamSchema, ParamSpec, Schema, TensorSpec

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.filterwarnings("ignore"),  # Spark's own, of itself and of pandas
]

TRUSTED = ["model.py"]
AB = Schema([ColSpec("double", "a"), ColSpec("double", "b")])
MANY = """
return pd.DataFrame({
    "i": np.arange(n, dtype="int32"), "l": np.arange(n), "d": np.arange(n) / 2,
    "s": ["x"] * n, "f": [True] * n, "v": [[1.5, 2.5]] * n,
})
"""
COLUMNS = "return [str(list(map(str, model_input.columns)))] * n"


@pytest.fixture(scope="module")
def spark(spark_session):
    """A session on this machine."""
    with spark_session("local[2]") as found:
        yield found


@pytest.fixture
def frame(spark, rows):
    """The rows in two partitions, each of two batches."""
    return spark.createDataFrame(rows).repartition(2)


def udf(spark, model, result_type=None, **options):
    """A function of a scripted model."""
    return steno.pyfunc.spark_udf(spark, model, result_type, trusted=TRUSTED, **options)


def scored(frame, function, *columns):
    """The results of all rows."""
    return [row.score for row in frame.select(function(*columns).alias("score")).collect()]


def test_rows_are_scored_by_names_by_struct_by_place_and_in_sql(spark, frame, linear):
    from pyspark.sql.functions import struct

    sums = steno.pyfunc.spark_udf(spark, linear)
    assert sums.returnType.simpleString() == "double"
    spark.udf.register("sums", sums)
    frame.createOrReplaceTempView("rows")
    calls = {"named": sums(), "one": sums(struct("c", "b", "a")), "placed": sums("a", "b", "c")}
    found = frame.select("*", *(call.alias(name) for name, call in calls.items()))
    found.createOrReplaceTempView("found")
    found = spark.sql("SELECT *, sums(a, b, c) AS asked FROM found").toPandas()
    for name in (*calls, "asked"):
        pd.testing.assert_series_equal(found[name], found[["a", "b", "c"]].sum(axis=1), check_names=False)


def test_columns_are_named_by_the_signature_else_by_number(spark, frame, scripted):
    from pyspark.sql.functions import lit, struct

    bare = udf(spark, scripted(COLUMNS), "string")
    told = udf(spark, scripted(COLUMNS, signature=ModelSignature(AB)), "string")
    one = frame.limit(1).select(
        bare("c", "a"), bare(struct("c", "a")), told("c", "a"), told("c", "a", "b"), told(struct("b", "a", lit(1)))
    )
    assert [json.loads(each.replace("'", '"')) for each in one.first()] == [
        ["0", "1"],
        ["c", "a"],
        ["a", "b"],
        ["a", "b"],
        ["a", "b"],
    ]


def test_every_type_of_result(spark, frame, scripted):
    from pyspark.sql import types

    model = scripted(MANY)
    asked = {
        "int": 0,
        "long": 0,
        "float": 0.0,
        "double": 0.0,
        "string": "0",
        "bool": True,
        types.LongType(): 0,
        "array<int>": [0],
        "array<double>": [0.0, 0.0, 0.0],
        types.ArrayType(types.StringType()): ["0", "0", "0.0", "x", "True", "[1.5, 2.5]"],
        "struct<s: string, v: array<double>>": ("x", [1.5, 2.5]),
        "l long, f boolean": (0, True),
    }
    one = frame.limit(1).select(*(udf(spark, model, each)("a") for each in asked)).first()
    assert list(one) == list(asked.values())


def test_the_signature_tells_the_type_of_the_result(spark, frame, scripted):
    two = ModelSignature(AB, Schema([ColSpec("long", "n"), ColSpec("string", "text")]))
    model = scripted("return {'text': ['x'] * n, 'n': np.arange(n)}", signature=two)
    assert scored(frame.limit(1), udf(spark, model), "a", "b") == [(0, "x")]
    tensor = ModelSignature(AB, Schema([TensorSpec("float64", (-1,))]))
    assert udf(spark, scripted("return [1.0] * n", signature=tensor)).returnType.simpleString() == "array<double>"
    assert udf(spark, scripted("return [1.0] * n")).returnType.simpleString() == "double"


def test_cells_of_arrays_are_reshaped_to_the_tensor_that_the_model_takes(spark, frame, scripted):
    from pyspark.sql.functions import array

    signature = ModelSignature(Schema([TensorSpec("float32", (-1, 2, 2))]))
    model = scripted("return [f'{model_input.dtype} {model_input.shape[1:]}'] * n", signature=signature)
    assert scored(frame.limit(1), udf(spark, model, "string"), array("a", "b", "c", "a")) == ["float32 (2, 2)"]


def test_params_reach_the_model(spark, frame, scripted):
    signature = ModelSignature(AB, params=ParamSchema([ParamSpec("times", "long", 2)]))
    model = scripted("return (model_input['a'] * 0 + params['times']).tolist()", signature=signature)
    default, given = udf(spark, model), udf(spark, model, params={"times": 5})
    assert frame.limit(1).select(default("a", "b"), given("a", "b")).first() == (2.0, 5.0)


def test_a_process_loads_a_model_once(spark, frame, scripted):
    model = scripted("global made; made = globals().get('made', 0) + n; return [made] * n")
    numbers = scored(frame.coalesce(1), udf(spark, model, "long"), "a")
    assert max(numbers) == 8, "batches of three rows were counted by one and the same module"


@pytest.mark.parametrize(
    ("body", "result_type", "columns", "told"),
    [
        ("return [1.0] * n", "double", ["a"], "the model takes the columns .'a', 'b'., in this order, and got 1"),
        ("return ['x'] * n", "double", ["a", "b"], "ModelError: the model predicts .* of which nothing is double"),
        ("return [1.0]", "double", ["a", "b"], "returned 1 predictions for a batch of"),
        ("if 21.0 in list(model_input['a']): raise RuntimeError('row 21')\nreturn [1.0] * n", "double", ["a", "b"],
         "RuntimeError: row 21"),
    ],
)  # fmt: skip
def test_what_fails_in_one_batch_fails_the_job_and_says_why(spark, frame, scripted, body, result_type, columns, told):
    from pyspark.errors import PythonException

    function = udf(spark, scripted(body, signature=ModelSignature(AB)), result_type)
    with pytest.raises(PythonException, match=told):
        scored(frame, function, *columns)


def test_what_cannot_be_is_said_before_a_job_begins(spark, linear, scripted):
    for given, told in (
        ({"result_type": "nonsense"}, "'nonsense' is no type that Spark reads"),
        ({"result_type": "map<string, int>"}, "no prediction becomes map<string,int>; result_type is boolean"),
        ({"result_type": 3}, "not 3"),
        ({"env_manager": "conda"}, r"'conda' is not there: .*get_model_dependencies"),
        ({"extra_env": {"A": "b"}}, r"spark\.executorEnv\.A"),
        ({"prebuilt_env_uri": "dbfs:/env"}, r"spark\.archives"),
    ):
        with pytest.raises(InvalidValue, match=told):
            steno.pyfunc.spark_udf(spark, linear, **given)
    with pytest.raises(InvalidValue, match="names no columns"):
        udf(spark, scripted("return [1] * n"))()
    optional = ModelSignature(Schema([ColSpec("double", "a"), ColSpec("double", "z", required=False)]))
    with pytest.raises(InvalidValue, match=r"may be missing \(z\)"):
        udf(spark, scripted("return [1] * n", signature=optional))()
