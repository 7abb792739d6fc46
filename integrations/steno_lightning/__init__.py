"""Lightning: watches `Trainer.fit`, `validate` and `test`, under both names of the package."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steno.hookspecs import hookimpl

if TYPE_CHECKING:
    from steno.plugins.registers import IntegrationRegister

REQUIRES = "lightning>=2.4 | pytorch-lightning>=2.4"
OPTIONS = (
    "log_every_n_epoch",
    "checkpoint",
    "checkpoint_monitor",
    "checkpoint_mode",
    "checkpoint_save_best_only",
    "checkpoint_save_weights_only",
    "checkpoint_save_freq",
)
NAMES = {
    "StenoLogger": "steno_lightning.logger:StenoLogger",
    "pytorch_lightning.StenoLogger": "steno_lightning.under_pytorch_lightning:StenoLogger",
}


@hookimpl
def steno_register_integrations(register: IntegrationRegister) -> None:
    """Offer the integration; it loads once `lightning` or `pytorch_lightning` is imported."""
    register(
        "lightning",
        "steno_lightning.autolog:integration",
        when="lightning | pytorch_lightning",
        requires=REQUIRES,
        options=OPTIONS,
        also=("pytorch", "pytorch_lightning"),
        names=NAMES,
    )
