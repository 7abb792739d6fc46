"""A model over HTTP: MLflow's scoring protocol and the Open Inference Protocol, on one port."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steno.hookspecs import hookimpl

if TYPE_CHECKING:
    import click


@hookimpl
def steno_register_model_commands(models: click.Group) -> None:
    from steno_serving.command import predict, serve
    from steno_serving.environments import prepare_env
    from steno_serving.image_command import build_docker, generate_dockerfile, generate_k8s

    for command in (serve, predict, prepare_env, generate_dockerfile, build_docker, generate_k8s):
        models.add_command(command)
