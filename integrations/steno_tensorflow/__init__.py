"""Keras 3 on any backend, and `tf.keras`: watches `Model.fit` and `evaluate`, and keeps models."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steno.hookspecs import hookimpl

if TYPE_CHECKING:
    from steno.plugins.registers import FlavorRegister, IntegrationRegister

REQUIRES = "keras>=3.7"
OPTIONS = (
    "log_every_epoch",
    "saved_model_kwargs",
    "keras_model_kwargs",
    "save_model_kwargs",
    "save_exported_model",
    "checkpoint",
    "checkpoint_monitor",
    "checkpoint_mode",
    "checkpoint_save_best_only",
    "checkpoint_save_weights_only",
    "checkpoint_save_freq",
)


@hookimpl
def steno_register_integrations(register: IntegrationRegister) -> None:
    """Offer the integration; it loads once `keras` is imported."""
    register(
        "keras",
        "steno_tensorflow.autolog:integration",
        when="keras",
        requires=REQUIRES,
        options=OPTIONS,
        also=("tensorflow",),
        names={"StenoCallback": "steno_tensorflow.callback:StenoCallback"},
    )


@hookimpl
def steno_register_flavors(register: FlavorRegister) -> None:
    """Offer the model flavors: one keeper of models, under the names of both of MLflow's readers."""
    register("keras", "steno_tensorflow.flavor:flavor", owns=("keras", "tensorflow"), requires=REQUIRES)
    register("tensorflow", "steno_tensorflow.flavor:tensorflow", requires=REQUIRES)
