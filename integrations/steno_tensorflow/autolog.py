"""Watches Keras 3 on any backend: `fit` and `evaluate` of every model, subclassed ones and `tf.keras` among them."""

from __future__ import annotations

from collections.abc import Iterable
from types import ModuleType

from steno.contracts.integration import Patch

from steno_tensorflow import evaluation, training


class KerasIntegration:
    """Keras 3.7 and later; `tf.keras.Model` is `keras.Model`."""

    name = "keras"
    modules = ("keras",)

    def patches(self, module: ModuleType) -> Iterable[Patch]:
        """Return the two rows. The methods are each backend's own, and are found through the public class."""
        yield Patch("Model.fit", training.fit, captures="params, metrics of each epoch, dataset and model of a fit")
        yield Patch("Model.evaluate", evaluation.evaluate, captures="metrics of an evaluation")


integration = KerasIntegration()
