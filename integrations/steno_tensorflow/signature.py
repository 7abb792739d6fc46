"""The signature of a trained model, told by its own shapes and the arrays it was given: nothing is predicted for it."""

from __future__ import annotations

from typing import Any

from steno.models import ModelSignature, Schema, TensorSpec

from steno_tensorflow.data import arrays, element_specs

_Known = tuple[tuple[int | None, ...], str]


def signature_of(model: Any, x: Any) -> ModelSignature | None:
    """Return the signature with the first dimension left open; None where neither model nor data tells the inputs.

    A dtype is that of the user's own array, as in MLflow: a model that was trained on doubles is asked with doubles.
    """
    declared = _declared(model, "inputs")
    given = _given(x)
    inputs = _merged(declared, given) if given else declared
    if not inputs:
        return None
    outputs = _declared(model, "outputs")
    return ModelSignature(Schema(_specs(inputs)), Schema(_specs(outputs)) if outputs else None)


def _declared(model: Any, which: str) -> dict[str, _Known]:
    """What a functional or sequential model says of itself; a subclassed one says nothing."""
    try:
        tensors = getattr(model, which, None)
    except (AttributeError, ValueError):
        return {}
    if not isinstance(tensors, list | tuple) or not tensors:
        return {}
    named = {str(each.name): (tuple(each.shape), str(each.dtype)) for each in tensors}
    return {"": next(iter(named.values()))} if len(tensors) == 1 else named


def _given(x: Any) -> dict[str, _Known]:
    found = arrays(x)
    if found is None:
        return element_specs(x)
    return {name: ((None, *array.shape[1:]), _dtype(array)) for name, array in found.items()}


def _dtype(array: Any) -> str:
    dtype = array.dtype
    return str(getattr(dtype, "name", dtype)).removeprefix("torch.")


def _merged(declared: dict[str, _Known], given: dict[str, _Known]) -> dict[str, _Known]:
    """The user's dtypes and shapes, with those lengths open that the model leaves open."""
    open_in = {name: shape for name, (shape, _) in declared.items()}
    merged: dict[str, _Known] = {}
    for index, (name, (shape, dtype)) in enumerate(given.items()):
        model_name = name if name in open_in else list(open_in)[index] if index < len(open_in) else name
        own = open_in.get(model_name, ())
        if len(own) == len(shape):
            shape = tuple(None if mine is None else length for mine, length in zip(own, shape, strict=True))
        merged[model_name if name.isdecimal() else name] = (shape, dtype)
    return merged


def _specs(known: dict[str, _Known]) -> list[TensorSpec]:
    return [
        TensorSpec(dtype, (-1, *(-1 if length is None else length for length in shape[1:])), name or None)
        for name, (shape, dtype) in known.items()
    ]
