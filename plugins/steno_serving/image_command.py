"""`steno models generate-dockerfile`, `build-docker` and `generate-k8s`."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from steno.cli.ending import ended_in_order
from steno.cli.group import SharedOptions
from steno.cli.models.environments import TRUSTED
from steno.cli.progress import progress
from steno.cli.session import Session

from steno_serving.command import named
from steno_serving.environments import folder_of

if TYPE_CHECKING:
    from steno_serving.images import Image

C = TypeVar("C", bound=Callable[..., Any])
_MODEL = click.option(
    "--model-uri", "-m", metavar="URI", help="Default: none; one is mounted at /opt/ml/model as the container starts."
)
_WHAT = (
    _MODEL,
    click.option(
        "--model-name", metavar="NAME", help="What V2 clients call it. Default: its registered name, or model."
    ),
    click.option("--base-image", metavar="IMAGE", default="", help="Default: python:<the model's Python>-slim."),
    TRUSTED,
    click.option(
        "--system-package",
        "system_packages",
        metavar="NAME",
        multiple=True,
        help="A Debian package that the model needs, as libgomp1 for LightGBM; may be repeated.",
    ),
)


def _what(command: C) -> C:
    for option in reversed(_WHAT):
        command = option(command)
    return command


@click.command("generate-dockerfile", cls=SharedOptions)
@_what
@click.option(
    "--output-directory",
    "-d",
    type=click.Path(path_type=Path, file_okay=False),
    default="steno-dockerfile",
    show_default=True,
    help="A folder that is not there yet, or is empty.",
)
@click.pass_obj
def generate_dockerfile(session: Session, /, output_directory: Path, **given: Any) -> None:
    """Write a folder with a Dockerfile that serves a model.

    The container listens on port 8080 and is run by `docker run -p 8080:8080 IMAGE`, by Kubernetes and by SageMaker
    alike.
    """
    from steno_serving import images

    image = _image(session, **given)
    with ended_in_order(), progress("writing the folder"):
        images.write(image, output_directory)
    told = {"folder": str(output_directory.absolute()), "dockerfile": str(output_directory.absolute() / "Dockerfile")}
    session.say(f"{output_directory} is written; docker build -t NAME {output_directory} makes an image of it", told)


@click.command("build-docker", cls=SharedOptions)
@_what
@click.option("--name", "-n", metavar="IMAGE", default="steno-model", show_default=True, help="Of the image.")
@click.option("--engine", type=click.Choice(("docker", "podman")), help="Default: the first of them that answers.")
@click.pass_obj
def build_docker(session: Session, /, name: str, engine: str | None, **given: Any) -> None:
    """Build an image that serves a model, by the Docker or Podman that is there."""
    from steno_serving import engines, images

    found = engines.find(engine or "")
    image = _image(session, **given)
    with ended_in_order(), tempfile.TemporaryDirectory(prefix="steno-image-") as folder:
        with progress("writing the folder"):
            written = images.write(image, Path(folder) / "image")
        engines.build(found, written, name)
    session.say(f"{name} is built; {Path(found).name} run -p 8080:8080 {name} serves it", {"image": name})


@click.command("generate-k8s", cls=SharedOptions)
@click.option("--model-uri", "-m", metavar="URI", required=True, help="models:/name/1, models:/name@alias, runs:/…")
@click.option("--image", metavar="IMAGE", required=True, help="The image, as the cluster's registry names it.")
@click.option("--output-path", "-o", type=click.Path(dir_okay=False, path_type=Path), help="Default: standard output.")
@click.option("--name", metavar="NAME", help="Of the objects. Default: from the model's.")
@click.option("--namespace", metavar="NAME", default="", help="Default: the one that is current.")
@click.option("--replicas", default=1, show_default=True, type=click.IntRange(0))
@click.option("--cpu", metavar="AMOUNT", default="500m", show_default=True, help="That each pod asks for.")
@click.option("--memory", metavar="AMOUNT", help="That each may take. Default: 1Gi, and three times the model's size.")
@click.option("--port", default=80, show_default=True, type=click.IntRange(1, 65535), help="Of the Service.")
@click.option("--kserve", is_flag=True, help="Write KServe's InferenceService, which speaks V2.")
@click.pass_obj
def generate_k8s(session: Session, /, output_path: Path | None, **given: Any) -> None:
    """Write what Kubernetes is told to serve a model: a Deployment and a Service.

    The image is one of `steno models build-docker`.
    """
    from steno.models.manifest import Manifest

    from steno_serving import kubernetes

    model_uri = given["model_uri"]
    size = Manifest.read(folder_of(session, model_uri)).model_size_bytes or 0
    service = kubernetes.Service(
        name=given["name"] or kubernetes.named(named(model_uri)[0]),
        image=given["image"],
        model_uri=model_uri,
        replicas=given["replicas"],
        cpu=given["cpu"],
        memory=given["memory"] or f"{1024 + 3 * size // 2**20}Mi",
        port=given["port"],
        namespace=given["namespace"],
    )
    text = (kubernetes.inference_service if given["kserve"] else kubernetes.deployment)(service)
    if output_path is None:
        click.echo(text, nl=False)
        return
    output_path.write_text(text, "utf-8")
    session.say(
        f"{output_path} is written; kubectl apply -f {output_path} runs it", {"file": str(output_path.absolute())}
    )


def _image(session: Session, model_uri: str | None, model_name: str | None, **given: Any) -> Image:
    from steno_serving.images import Image

    folder = folder_of(session, model_uri) if model_uri else None
    origin = re.sub(r"//[^/@]*@", "//", model_uri or "")  # no password in a file
    name, version = named(model_uri or "")
    return Image(folder=folder, origin=origin, name=model_name or name, version=version, **given)
