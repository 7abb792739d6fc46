"""What goes into a model and what comes out: schemas of columns, tensors and params, with their JSON forms."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from msgspec import Struct
from msgspec.structs import force_setattr

from steno.errors import InvalidValue
from steno.models.types import Array, DataType, Object, Type, as_type, is_required, type_from_json, type_to_json

Name: TypeAlias = str | int | float | tuple[str | int | float, ...]


class ColSpec(Struct, frozen=True):
    """One column. Its name is None in a schema that only counts columns; it is a tuple where headers have levels."""

    type: Type
    name: Name | None = None
    required: bool = True

    def __post_init__(self) -> None:
        force_setattr(self, "type", as_type(self.type))
        force_setattr(self, "name", _name(self.name))

    def to_json(self) -> dict[str, Any]:
        """Return the column's JSON object, keys in MLflow's order."""
        named = {} if self.name is None else {"name": self.name}
        return {**type_to_json(self.type), **named, "required": self.required}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> ColSpec:
        """Read a column's JSON object. Raises: InvalidValue."""
        return cls(type_from_json(value), value.get("name"), is_required(value))


class TensorSpec(Struct, frozen=True):
    """One array: its numpy dtype by name ("float32", "str", "object") and shape, -1 for any length."""

    type: str
    shape: tuple[int, ...]
    name: str | None = None

    def __post_init__(self) -> None:
        force_setattr(self, "type", dtype_name(self.type))
        force_setattr(self, "shape", tuple(int(length) for length in self.shape))

    def to_json(self) -> dict[str, Any]:
        """Return the tensor's JSON object, keys in MLflow's order."""
        named = {} if self.name is None else {"name": self.name}
        return {**named, "type": "tensor", "tensor-spec": {"dtype": self.type, "shape": list(self.shape)}}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> TensorSpec:
        """Read a tensor's JSON object. Raises: InvalidValue."""
        try:
            spec = value["tensor-spec"]
            return cls(spec["dtype"], tuple(spec["shape"]), value.get("name"))
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidValue(f"the tensor spec {dict(value)!r} is incomplete: {error!r}") from error


def dtype_name(dtype: Any) -> str:
    """Return the name of a numpy dtype without its width where that varies with the data: "str", "bytes"."""
    kind = getattr(dtype, "kind", "")
    if kind in ("U", "S"):
        return "str" if kind == "U" else "bytes"
    return dtype if isinstance(dtype, str) else str(dtype)


def _name(name: Any) -> Any:
    """Return a column's name as JSON can hold it; a list, as JSON has for a tuple, as that. Raises: InvalidValue."""
    if isinstance(name, (tuple, list)):
        return tuple(map(_name, name))
    if name is None or isinstance(name, str | int) or (isinstance(name, float) and math.isfinite(name)):
        return name
    raise InvalidValue(f"a column's name is text or a number, not {name!r}")


Spec: TypeAlias = ColSpec | TensorSpec


class Schema:
    """Columns, or tensors; never both. Either all are named or none, several tensors must be.

    Raises:
        InvalidValue: Columns and tensors mixed, names on some only or twice, an unnamed column not required.
    """

    def __init__(self, inputs: Iterable[Spec]) -> None:
        self.inputs: tuple[Spec, ...] = tuple(inputs)
        _check_specs(self.inputs)

    @property
    def is_tensors(self) -> bool:
        """Whether it holds tensors."""
        return bool(self.inputs) and isinstance(self.inputs[0], TensorSpec)

    @property
    def has_names(self) -> bool:
        """Whether its entries are named."""
        return bool(self.inputs) and self.inputs[0].name is not None

    def is_tensor_spec(self) -> bool:
        """MLflow's name for `is_tensors`."""
        return self.is_tensors

    def has_input_names(self) -> bool:
        """MLflow's name for `has_names`."""
        return self.has_names

    def input_names(self) -> list[Any]:
        """The names, or positions where there are none."""
        return [index if spec.name is None else spec.name for index, spec in enumerate(self.inputs)]

    def input_types(self) -> list[Type | str]:
        """The columns' types, or the tensors' dtypes by name."""
        return [spec.type for spec in self.inputs]

    def input_dict(self) -> dict[Any, Spec]:
        """The entries by name, or position where there are none."""
        return dict(zip(self.input_names(), self.inputs, strict=True))

    def input_types_dict(self) -> dict[Any, Type | str]:
        """The types by name, or position where there are none."""
        return dict(zip(self.input_names(), self.input_types(), strict=True))

    def required_input_names(self) -> list[Any]:
        """The names, or positions, of what has to be there; a tensor always has."""
        return [name for name, spec in self.input_dict().items() if getattr(spec, "required", True)]

    def optional_input_names(self) -> list[Any]:
        """The names of the columns that may be missing."""
        return [name for name, spec in self.input_dict().items() if not getattr(spec, "required", True)]

    def to_dict(self) -> list[dict[str, Any]]:
        """Return the JSON list."""
        return [spec.to_json() for spec in self.inputs]

    def to_json(self) -> str:
        """Return the JSON text as the MLmodel file holds it."""
        return json.dumps(self.to_dict())

    @classmethod
    def from_json(cls, text: str) -> Schema:
        """Read the JSON text. Raises: InvalidValue."""
        specs = _json_list(text, "schema")
        return cls(TensorSpec.from_json(s) if s.get("type") == "tensor" else ColSpec.from_json(s) for s in specs)

    def __iter__(self) -> Iterator[Spec]:
        return iter(self.inputs)

    def __len__(self) -> int:
        return len(self.inputs)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Schema) and self.inputs == other.inputs

    def __hash__(self) -> int:
        return hash(self.to_json())

    def __repr__(self) -> str:
        return f"Schema({list(self.inputs)!r})"


def _check_specs(specs: tuple[Spec, ...]) -> None:
    if len({type(spec) for spec in specs}) > 1:
        raise InvalidValue("a schema holds columns or tensors, not both")
    names = [spec.name for spec in specs if spec.name is not None]
    if names and len(names) != len(specs):
        raise InvalidValue(f"name all entries of a schema or none; named: {names}")
    if len(set(names)) != len(names):
        raise InvalidValue(f"a name appears twice in a schema: {names}")
    if not names and len(specs) > 1 and isinstance(specs[0], TensorSpec):
        raise InvalidValue("several tensors of a schema must be named")
    if not names and any(isinstance(spec, ColSpec) and not spec.required for spec in specs):
        raise InvalidValue("a column without a name cannot be optional")


class ParamSpec(Struct, frozen=True):
    """One param of `predict`: shape None for a scalar or a dict, (-1,) for a list."""

    name: str
    dtype: Type
    default: Any
    shape: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        force_setattr(self, "dtype", as_type(self.dtype))

    def to_json(self) -> dict[str, Any]:
        """Return the param's JSON object, keys in MLflow's order."""
        shape = None if self.shape is None else list(self.shape)
        return {"name": self.name, "default": _plain(self.default), "shape": shape, **type_to_json(self.dtype)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> ParamSpec:
        """Read a param's JSON object; older writers say `dtype` for `type`. Raises: InvalidValue."""
        kind = type_from_json({**value, "type": value.get("type", value.get("dtype"))})
        shape = value.get("shape")
        default = _moments(value.get("default")) if kind is DataType.datetime else value.get("default")
        return cls(str(value.get("name")), kind, default, None if shape is None else tuple(shape))


class ParamSchema:
    """The params of `predict`, each with its default. Raises: InvalidValue if a name appears twice."""

    def __init__(self, params: Iterable[ParamSpec]) -> None:
        self.params = tuple(params)
        names = [param.name for param in self.params]
        if len(set(names)) != len(names):
            raise InvalidValue(f"a param appears twice in a schema: {names}")

    def to_dict(self) -> list[dict[str, Any]]:
        """Return the JSON list."""
        return [param.to_json() for param in self.params]

    def to_json(self) -> str:
        """Return the JSON text as the MLmodel file holds it."""
        return json.dumps(self.to_dict())

    @classmethod
    def from_json(cls, text: str) -> ParamSchema:
        """Read the JSON text. Raises: InvalidValue."""
        return cls(ParamSpec.from_json(param) for param in _json_list(text, "params schema"))

    def __iter__(self) -> Iterator[ParamSpec]:
        return iter(self.params)

    def __len__(self) -> int:
        return len(self.params)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ParamSchema) and self.to_dict() == other.to_dict()

    def __hash__(self) -> int:
        return hash(self.to_json())

    def __repr__(self) -> str:
        return f"ParamSchema({list(self.params)!r})"


class ModelSignature:
    """What a model takes, what it gives, and the params of its `predict`; each may be unknown (None)."""

    def __init__(
        self, inputs: Schema | None = None, outputs: Schema | None = None, params: ParamSchema | None = None
    ) -> None:
        self.inputs, self.outputs, self.params = inputs, outputs, params

    def to_dict(self) -> dict[str, str | None]:
        """Return the `signature` section of an MLmodel file: JSON texts, None where nothing is known."""
        parts = {"inputs": self.inputs, "outputs": self.outputs, "params": self.params}
        return {name: part.to_json() if part else None for name, part in parts.items()}

    @classmethod
    def from_dict(cls, section: Mapping[str, Any]) -> ModelSignature:
        """Read a `signature` section. Raises: InvalidValue."""
        inputs, outputs, params = (section.get(name) for name in ("inputs", "outputs", "params"))
        return cls(
            Schema.from_json(inputs) if inputs else None,
            Schema.from_json(outputs) if outputs else None,
            ParamSchema.from_json(params) if params else None,
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ModelSignature) and self.to_dict() == other.to_dict()

    def __hash__(self) -> int:
        return hash(tuple(self.to_dict().values()))

    def __repr__(self) -> str:
        return f"ModelSignature(inputs={self.inputs!r}, outputs={self.outputs!r}, params={self.params!r})"


def infer_signature(model_input: Any = None, model_output: Any = None, params: Any = None) -> ModelSignature:
    """Describe what a model takes and gives from a sample of each; `params` are the defaults of its params.

    A sample of a kind that cannot be described becomes a single column of type `any`, with a warning in the log.

    Raises:
        InvalidValue: A param that is neither a scalar, a list of one type, nor a dict.
    """
    from steno.models.inference import infer_params, infer_schema

    return ModelSignature(
        None if model_input is None else infer_schema(model_input, "inputs"),
        None if model_output is None else infer_schema(model_output, "outputs"),
        infer_params(params) if params else None,
    )


def _json_list(text: str, what: str) -> list[dict[str, Any]]:
    try:
        found = json.loads(text)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidValue(f"the {what} is no JSON text: {error}") from error
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise InvalidValue(f"the {what} is no list of objects: {text[:200]}")
    return found


def _plain(value: Any) -> Any:
    """Return a default as JSON holds it: numpy scalars as Python's, moments as ISO text."""
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if hasattr(value, "dtype"):
        return _plain(value.tolist())
    return value.isoformat() if hasattr(value, "isoformat") else value


def _moments(value: Any) -> Any:
    from datetime import datetime

    if isinstance(value, list):
        return [_moments(each) for each in value]
    try:
        return datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError as error:
        raise InvalidValue(f"the default {value!r} is no moment in ISO form") from error


__all__ = [
    "Array",
    "ColSpec",
    "DataType",
    "ModelSignature",
    "Object",
    "ParamSchema",
    "ParamSpec",
    "Schema",
    "TensorSpec",
    "infer_signature",
]
