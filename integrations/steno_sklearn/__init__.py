"""scikit-learn: watches every estimator, search and metric, and keeps its models."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steno.hookspecs import hookimpl

if TYPE_CHECKING:
    import click
    from steno.plugins.registers import FlavorRegister, IntegrationRegister

REQUIRES = "scikit-learn>=1.4"
OPTIONS = ("max_tuning_runs", "log_post_training_metrics", "serialization_format", "pos_label")


@hookimpl
def steno_register_integrations(register: IntegrationRegister) -> None:
    """Offer the integration; it loads once `sklearn` is imported."""
    register("sklearn", "steno_sklearn.autolog:integration", when="sklearn", requires=REQUIRES, options=OPTIONS)


@hookimpl
def steno_register_flavors(register: FlavorRegister) -> None:
    """Offer the model flavor."""
    register("sklearn", "steno_sklearn.flavor:flavor", owns=("sklearn",), requires=REQUIRES)


@hookimpl
def steno_register_commands(cli: click.Group) -> None:
    """Add `steno plot`."""
    from steno_sklearn.command import plot

    cli.add_command(plot)
