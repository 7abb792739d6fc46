"""XGBoost: watches `train`, `cv` and the scikit-learn wrappers, and keeps their models."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steno.hookspecs import hookimpl

if TYPE_CHECKING:
    from steno.plugins.registers import FlavorRegister, IntegrationRegister

REQUIRES = "xgboost>=2.1"
OPTIONS = ("importance_types", "model_format")


@hookimpl
def steno_register_integrations(register: IntegrationRegister) -> None:
    """Offer the integration; it loads once `xgboost` is imported."""
    register("xgboost", "steno_xgboost.autolog:integration", when="xgboost", requires=REQUIRES, options=OPTIONS)


@hookimpl
def steno_register_flavors(register: FlavorRegister) -> None:
    """Offer the model flavor."""
    register("xgboost", "steno_xgboost.flavor:flavor", owns=("xgboost",), requires=REQUIRES)
