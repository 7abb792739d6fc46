"""LightGBM: watches `train`, `cv` and the scikit-learn wrappers, and keeps their models."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steno.hookspecs import hookimpl

if TYPE_CHECKING:
    from steno.plugins.registers import FlavorRegister, IntegrationRegister

REQUIRES = "lightgbm>=4.0"
OPTIONS = ("serialization_format",)


@hookimpl
def steno_register_integrations(register: IntegrationRegister) -> None:
    """Offer the integration; it loads once `lightgbm` is imported."""
    register("lightgbm", "steno_lightgbm.autolog:integration", when="lightgbm", requires=REQUIRES, options=OPTIONS)


@hookimpl
def steno_register_flavors(register: FlavorRegister) -> None:
    """Offer the model flavor."""
    register("lightgbm", "steno_lightgbm.flavor:flavor", owns=("lightgbm",), requires=REQUIRES)
