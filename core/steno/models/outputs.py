"""What a model made of its input example when it was saved, kept beside it, and compared with what it makes of it now.

MLflow's readers pass over the file: they open those that the MLmodel file names. It is under the model's seal.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from steno.errors import InvalidValue, ModelError
from steno.models.enforcement import enforce
from steno.models.example import Example, as_json
from steno.models.layout import member
from steno.models.signature import ModelSignature

OUTPUT_EXAMPLE = "output_example.json"
TOLERANCE = 1e-4
_MOST_BYTES = 1 << 20
_MOST_VALUES = 100_000
_MOST_SHOWN = 3


def keep(folder: Path, outputs: Any, example: Example, signature: ModelSignature) -> None:
    """Keep predictions beside a model.

    Nothing is kept where they are no plain data or more than a megabyte of it, and where the loaded model is given
    something else than the example as it is, as a table for a list: it may then predict otherwise.
    """
    # Asked before it is written out: what is too long must not cost the time of that.
    if getattr(outputs, "size", 0) > _MOST_VALUES:
        return
    try:
        given, _ = enforce(example.inputs, example.params, signature)
        if type(given) is not type(example.inputs):
            return
        text = json.dumps({"predictions": as_json(outputs)})
    except (InvalidValue, TypeError, ValueError, RecursionError):
        return
    if len(text) <= _MOST_BYTES:
        (folder / OUTPUT_EXAMPLE).write_text(text, "utf-8")


def kept(folder: Path) -> Any:
    """Return the predictions kept beside a model as plain data, None if there are none. Raises: ModelError."""
    if not (folder / OUTPUT_EXAMPLE).exists():
        return None
    path = member(folder, OUTPUT_EXAMPLE)
    try:
        return json.loads(path.read_text("utf-8"))["predictions"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ModelError(f"{path} holds no predictions: {error}") from error


def difference(found: Any, expected: Any, tolerance: float = TOLERANCE) -> str:
    """Say in what predictions as plain data differ, "" if in nothing.

    Numbers may differ by `tolerance` of the larger one, or of the largest number expected: frameworks add in another
    order on another machine, and what nearly cancels out is then another nothing.

    Args:
        found, expected: Plain data, as JSON has it.
        tolerance: Relative.
    """
    scale = max((abs(number) for number in _numbers(expected)), default=0.0)
    told = []
    for where, ours, theirs in _differences(found, expected, ""):
        if _is_number(ours) and _is_number(theirs) and _near(ours, theirs, tolerance, scale):
            continue
        told.append(f"{_shown(ours)} in place of {_shown(theirs)}{f' at {where}' if where else ''}")
        if len(told) > _MOST_SHOWN:
            return "; ".join([*told[:_MOST_SHOWN], "and more"])
    return "; ".join(told)


def _near(ours: float, theirs: float, tolerance: float, scale: float) -> bool:
    if math.isinf(ours) or math.isinf(theirs):
        return ours == theirs
    # The part of the scale is that of the last digits, not of the predictions: small ones are compared too.
    return abs(ours - theirs) <= max(tolerance * max(abs(ours), abs(theirs)), tolerance * 1e-2 * scale)


def _differences(found: Any, expected: Any, where: str) -> Iterator[tuple[str, Any, Any]]:
    """Give each place where two values are not equal, and what is there."""
    if isinstance(found, Mapping) and isinstance(expected, Mapping) and found.keys() == expected.keys():
        for key in expected:
            yield from _differences(found[key], expected[key], f"{where}.{key}" if where else str(key))
    elif isinstance(found, list) and isinstance(expected, list) and len(found) == len(expected):
        for number, (ours, theirs) in enumerate(zip(found, expected, strict=True)):
            yield from _differences(ours, theirs, f"{where}[{number}]")
    elif _plain(found) != _plain(expected):
        yield where, found, expected


def _plain(value: Any) -> Any:
    # JSON has two ways to write a gap, and which one is used depends on the type.
    return None if isinstance(value, float) and math.isnan(value) else value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and not math.isnan(value)


def _numbers(value: Any) -> Iterator[float]:
    if isinstance(value, Mapping | list):
        for each in value.values() if isinstance(value, Mapping) else value:
            yield from _numbers(each)
    elif _is_number(value) and math.isfinite(value):
        yield value


def _shown(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
