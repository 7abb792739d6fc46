"""PyTorch: watches training loops that are plain Python, and keeps modules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steno.hookspecs import hookimpl

if TYPE_CHECKING:
    from steno.plugins.registers import FlavorRegister, IntegrationRegister

REQUIRES = "torch>=2.5"
OPTIONS = ("log_gradient_norm",)


@hookimpl
def steno_register_integrations(register: IntegrationRegister) -> None:
    """Offer the integration; it loads once `torch` is imported."""
    register(
        "pytorch",
        "steno_torch.autolog:integration",
        when="torch",
        requires=REQUIRES,
        options=OPTIONS,
        also=("torch",),
        names={"pytorch.load_state_dict": "steno_torch.archive_weights:load_state_dict"},
    )


@hookimpl
def steno_register_flavors(register: FlavorRegister) -> None:
    """Offer the model flavor."""
    register(
        "pytorch", "steno_torch.flavor:flavor", owns=("torch", "lightning", "pytorch_lightning"), requires=REQUIRES
    )
