"""A model over HTTP: MLflow's scoring protocol and the Open Inference Protocol, on one port."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steno.hookspecs import hookimpl

if TYPE_CHECKING:
    import click


@hookimpl
def steno_register_model_commands(models: click.Group) -> None:
    from steno_serving.command import predict, serve

    models.add_command(serve)
    models.add_command(predict)
