"""What the user writes for TensorBoard: the same values, as metrics and params."""

from __future__ import annotations

from time import time_ns
from typing import Any

from steno_torch import loops
from steno_torch.tensors import number_or_value

_SCALARS = (bool, int, float, str, type(None))


def scalar(args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """`add_scalar(tag, scalar_value, global_step)`."""
    tag, value, step = _given(args, kwargs, "tag", "scalar_value", "global_step")
    _record(tag, value, step)


def scalars(args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """`add_scalars(main_tag, tag_scalar_dict, global_step)`."""
    main, values, step = _given(args, kwargs, "main_tag", "tag_scalar_dict", "global_step")
    for tag, value in values.items() if isinstance(values, dict) else ():
        _record(f"{main}/{tag}", value, step)


def hyperparameters(args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """`add_hparams(hparam_dict, metric_dict)`; the metrics it hands to `add_scalar` itself."""
    (params,) = _given(args, kwargs, "hparam_dict")
    recording = loops.loop_here().recording()
    if recording is not None and recording.session is not None and isinstance(params, dict):
        recording.run.log_params({str(key): value for key, value in params.items() if type(value) in _SCALARS})


def _record(tag: Any, value: Any, step: Any) -> None:
    recording = loops.loop_here().recording()
    number = number_or_value(value)
    if recording is None or recording.silent or number is None or not isinstance(tag, str):
        return
    recording.series.add(tag, number, recording.current_step() if step is None else int(step), time_ns())


def _given(args: tuple[Any, ...], kwargs: dict[str, Any], *names: str) -> list[Any]:
    """What was given for the first parameters after `self`."""
    return [args[index] if index < len(args) else kwargs.get(name) for index, name in enumerate(names, 1)]
