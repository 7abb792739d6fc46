"""CatBoost: watches its fits, cross-validations and searches, and keeps their models."""

from __future__ import annotations

from typing import Any

from steno.hookspecs import hookimpl

REQUIRES = "catboost>=1.2"
OPTIONS = ("importance_types",)


@hookimpl
def steno_register_integrations(register: Any) -> None:
    """Offer the integration; it loads once `catboost` is imported."""
    register("catboost", "steno_catboost.autolog:integration", when="catboost", requires=REQUIRES, options=OPTIONS)


@hookimpl
def steno_register_flavors(register: Any) -> None:
    """Offer the model flavor."""
    register("catboost", "steno_catboost.flavor:flavor", owns=("catboost",), requires=REQUIRES)
