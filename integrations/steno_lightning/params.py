"""What a fit is set to: hyper-parameters, the trainer, its optimizers and its early stopping."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from steno.autolog.params import flatten_params, show

_TRAINER = (
    "max_epochs",
    "max_steps",
    "accumulate_grad_batches",
    "gradient_clip_val",
    "gradient_clip_algorithm",
    "precision",
    "num_nodes",
    "num_devices",
    "check_val_every_n_epoch",
    "val_check_interval",
    "limit_train_batches",
    "limit_val_batches",
    "fast_dev_run",
)
_STOPPING = ("monitor", "mode", "patience", "min_delta", "stopped_epoch")


class Params:
    """Writes params to a run; the first to take a key has it, since a param cannot change.

    The user's own hyper-parameters come first. MLflow's names follow: what an optimizer calls `lr` while the
    user's `lr` is something else becomes `optimizer.lr`.
    """

    def __init__(self, run: Any) -> None:
        self.run = run
        self._known: dict[str, str] = {}

    def log(self, params: Mapping[str, Any], otherwise: str = "") -> None:
        """Record params; under `otherwise.<key>` where the key is another's."""
        new: dict[str, str] = {}
        for key, shown in flatten_params(params).items():
            taken = self._known.get(key)
            if taken is not None and taken != shown and otherwise:
                key = f"{otherwise}.{key}"
            new.setdefault(key, shown)
        new = {key: shown for key, shown in new.items() if key not in self._known}
        self._known.update(new)
        if new:
            self.run.log_params(new)


def hyperparameters(*holders: Any) -> Iterator[dict[str, Any]]:
    """Give what modules and data modules kept by `save_hyperparameters()`."""
    for holder in holders:
        # Not by the property, which makes the attribute where there is none.
        kept = getattr(holder, "_hparams", None)
        if isinstance(kept, Mapping) and kept:
            yield {str(key): value for key, value in kept.items()}


def trainer_settings(trainer: Any) -> dict[str, Any]:
    """Return what the trainer was told, with `epochs`, MLflow's name."""
    found = {name: getattr(trainer, name, None) for name in _TRAINER}
    return {
        "epochs": trainer.max_epochs,
        **{name: value for name, value in found.items() if value not in (None, False, -1)},
        "accelerator": type(trainer.accelerator).__name__,
        "strategy": type(trainer.strategy).__name__,
    }


def optimizers(trainer: Any) -> Iterator[dict[str, Any]]:
    """Give each optimizer's class and defaults, and its scheduler's; the first under MLflow's names."""
    for index, optimizer in enumerate(trainer.optimizers):
        found = {"optimizer_name": type(optimizer).__name__, **optimizer.defaults}
        yield found if index == 0 else {f"optimizer_{index}": found}
    for index, each in enumerate(trainer.lr_scheduler_configs):
        prefix = f"lr_scheduler_{index}" if index else "lr_scheduler"
        told = {"name": type(each.scheduler).__name__, "interval": each.interval, "frequency": each.frequency}
        yield {prefix: told | ({"monitor": each.monitor} if each.monitor else {})}


def early_stopping(trainer: Any) -> dict[str, str]:
    """Return how the first EarlyStopping is set; empty without one."""
    for each in trainer.early_stopping_callbacks:
        found = {name: getattr(each, name, None) for name in _STOPPING}
        # For a metric that is to fall, Lightning keeps the negative.
        if isinstance(found["min_delta"], int | float):
            found["min_delta"] = abs(found["min_delta"])
        return {name: show(value) for name, value in found.items()}
    return {}
