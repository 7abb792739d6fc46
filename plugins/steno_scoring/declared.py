"""What a signature declares of a model's predictions: as a result to ask for, or as the columns of a table."""

from __future__ import annotations

from typing import Any

from steno.errors import InvalidValue
from steno.models.signature import Schema, Spec, TensorSpec
from steno.models.types import Array, DataType, Object, Type

from steno_scoring.results import NUMPY, Fields, Result

ALONE = "prediction"
"""What a single prediction without a name is called in a table."""
UNKNOWN = Fields(((ALONE, DataType.double),))
"""What a model predicts that says nothing of it: as MLflow takes it."""
_TENSORS = {
    **dict.fromkeys(("int8", "int16", "int32", "uint8", "uint16"), DataType.integer),
    **dict.fromkeys(("int64", "uint32"), DataType.long),
    **dict.fromkeys(("float16", "float32"), DataType.float),
    **dict.fromkeys(("str", "object"), DataType.string),
    "float64": DataType.double,
    "bool": DataType.boolean,
    "bytes": DataType.binary,
}


def result_of(outputs: Schema | None) -> Result | None:
    """Return what the outputs of a signature are: one result, or fields where there are several; None if unknown.

    A tensor gives lists, with one element where there is one prediction a row, as MLflow has it.

    Raises:
        InvalidValue: A type of which no engine makes a column.
    """
    if outputs is None or not len(outputs):
        return None
    only = outputs.inputs[0] if len(outputs) == 1 else None
    if only is not None and isinstance(only.type, Object):
        return Fields(tuple((each.name, _kind(each.dtype, only)) for each in only.type.properties))
    kinds = [_of(spec, at_least=1) for spec in outputs]
    if only is not None:
        return kinds[0]
    return Fields(tuple((str(name), kind) for name, kind in zip(outputs.input_names(), kinds, strict=True)))


def fields_of(outputs: Schema | None) -> Fields | None:
    """Return the outputs of a signature as columns: a matrix of known width has one for each of its own.

    Raises:
        InvalidValue: A type of which no engine makes a column.
    """
    if outputs is None or not len(outputs):
        return None
    spec = outputs.inputs[0]
    if len(outputs) > 1:
        return Fields(tuple((str(name), _of(each)) for name, each in outputs.input_dict().items()))
    kind = _of(spec)
    if isinstance(spec, TensorSpec) and spec.name is None and len(spec.shape) == 2 and spec.shape[1] > 0:
        return Fields(tuple((str(at), _of(spec, less=1)) for at in range(spec.shape[1])))
    return Fields(((ALONE if spec.name is None else str(spec.name), kind),))


def named(table: Any) -> Any:
    """Return a table of predictions with texts as names: numbers where it has several columns without one."""
    if list(table.columns) == [0]:
        return table.set_axis([ALONE], axis=1)
    return table.rename(columns=str)


def empty(fields: Fields) -> Any:
    """Return a DataFrame without rows whose columns have the types of fields."""
    import pandas as pd

    return pd.DataFrame({name: pd.Series(dtype=_dtype(kind)) for name, kind in fields.fields})


def _dtype(kind: DataType | Array) -> str:
    return NUMPY.get(kind, "object") if isinstance(kind, DataType) else "object"


def _of(spec: Spec, *, at_least: int = 0, less: int = 0) -> DataType | Array:
    if not isinstance(spec, TensorSpec):
        return _kind(spec.type, spec)
    try:
        kind: DataType | Array = _TENSORS[spec.type]
    except KeyError:
        raise InvalidValue(f"no column holds the model's output, a tensor of {spec.type}; give a result_type") from None
    for _ in range(max(at_least, len(spec.shape) - 1 - less)):
        kind = Array(kind)
    return kind


def _kind(kind: Type, spec: Spec) -> DataType | Array:
    inner: Any = kind
    while isinstance(inner, Array):
        inner = inner.dtype
    if isinstance(inner, DataType):
        assert isinstance(kind, DataType | Array)
        return kind
    name = "the model's output" if spec.name is None else f"the model's output {spec.name!r}"
    raise InvalidValue(f"{name} is neither a value nor a list of values; give a result_type, 'string' say")
