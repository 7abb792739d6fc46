"""Optuna: every study one run, every trial a run below it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steno import hookimpl

if TYPE_CHECKING:
    from steno.plugins.registers import IntegrationRegister


@hookimpl
def steno_register_integrations(register: IntegrationRegister) -> None:
    """Offer the integration; it is loaded once Optuna is imported."""
    register("optuna", "steno_optuna.autolog:integration", when="optuna", requires="optuna>=4.0")
