"""Watches Lightning: `Trainer.fit`, `validate` and `test`, of `lightning` and of `pytorch_lightning`."""

from __future__ import annotations

from collections.abc import Iterable
from types import ModuleType

from steno.contracts.integration import Patch, Via

from steno_lightning import evaluation, profiled, training


class LightningIntegration:
    """Lightning 2.4 and later. The two packages have two classes `Trainer`, which know nothing of each other.

    A `fit` is a run, also when many processes train: rank 0 records. So is a `validate` or `test` that no watched
    call is around, with the tag `steno.trained_in`, the run its module was trained in. Inside a run of the user's,
    everything goes there. `predict` and the trials of a `Tuner` make no run.

    The step of every point is `global_step`, the number of optimizer steps made, for values of an epoch and of a
    validation too; the series `epoch` tells which epoch ended at a step. What `test` ends with is at step 0.
    """

    name = "lightning"
    modules = ("lightning.pytorch.trainer.trainer", "pytorch_lightning.trainer.trainer")

    def patches(self, module: ModuleType) -> Iterable[Patch]:
        """Return the rows of one of the two packages."""
        profiled.forget(module.__name__.partition(".")[0])
        yield Patch(
            "Trainer.fit",
            training.fit,
            via=Via.CODE,
            captures="params, metrics, dataset, checkpoints and model of a fit",
        )
        yield Patch("Trainer.validate", evaluation.validate, via=Via.CODE, captures="metrics of a validation")
        yield Patch("Trainer.test", evaluation.test, via=Via.CODE, captures="metrics of a test")


integration = LightningIntegration()
