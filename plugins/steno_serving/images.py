"""A folder that an engine builds an image of: a model served on port 8080, as Docker, Kubernetes and SageMaker run it.

The model is at /opt/ml/model, or mounted there; `serve` is the command, `/ping` says whether it answers.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
import tempfile
from pathlib import Path

from msgspec import Struct
from steno import __version__
from steno.environments.specification import Specification, specification_of
from steno.errors import AlreadyExists, InvalidValue, ModelError, UnsafePath
from steno.models.load import PYFUNC
from steno.models.manifest import Manifest

from steno_serving import image_packages
from steno_serving.image_packages import WHEELS, Packages

MODEL = "/opt/ml/model"
PORT = 8080
USER_ID = 10001
_IMAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/:@-]*")
_PACKAGE = re.compile(r"[a-z0-9][a-z0-9.+-]*")
_ALIVE = (
    f"import http.client, sys; asked = http.client.HTTPConnection('127.0.0.1', {PORT}, timeout=4); "
    "asked.request('GET', '/ping'); sys.exit(asked.getresponse().status != 200)"
)


class Image(Struct, frozen=True):
    """What an image is to be.

    Attributes:
        folder: The model's folder; None for an image that a model is mounted into.
        origin: Its URI, told in the Dockerfile.
        name, version: What V2 clients call it.
        trusted: Types that loading may construct beyond its framework's own.
        base_image: What it is built on; "" for the slim image of the model's Python.
        system_packages: Packages of Debian's that the model needs.
    """

    folder: Path | None = None
    origin: str = ""
    name: str = "model"
    version: str = ""
    trusted: tuple[str, ...] = ()
    base_image: str = ""
    system_packages: tuple[str, ...] = ()


def write(image: Image, target: Path) -> Path:
    """Write the folder, whole or not at all, and return it.

    Raises:
        AlreadyExists: There is something already.
        ModelError: The model cannot predict.
        EnvironmentFailure: The model's requirements cannot be read, or no wheel be built.
        InvalidValue: A name that is none.
        UnsafePath: The model's folder holds a symbolic link.
    """
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise AlreadyExists(
            f"{target} is there already, and is not empty: remove it, or choose another --output-directory"
        )
    _check(image)
    target = target.absolute()  # a wheel is built by another process, in another folder
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as name:
        made = Path(name) / "made"
        made.mkdir()
        _fill(image, made)
        made.replace(target)
    return target


def _check(image: Image) -> None:
    if image.base_image and not _IMAGE.fullmatch(image.base_image):
        raise InvalidValue(f"{image.base_image!r} is no name of an image, as python:3.12-slim")
    if wrong := [each for each in image.system_packages if not _PACKAGE.fullmatch(each)]:
        raise InvalidValue(f"{wrong[0]!r} is no name of a Debian package, as libgomp1")


def _fill(image: Image, target: Path) -> None:
    if image.folder is None:
        manifest, specification = None, Specification(python=_here())
    else:
        manifest, specification = Manifest.read(image.folder), specification_of(image.folder)
        if manifest.pyfunc is None:
            raise ModelError(f"the model {image.origin} has no {PYFUNC} flavor: it cannot predict, and not be served")
        _copy(image.folder, target / "model")
    if image.base_image:  # which Python is in it, nobody here knows
        specification = Specification("", (), specification.requirements, specification.constraints)
    packages = image_packages.write(target, f"/opt/ml/{WHEELS}", image.folder, specification, manifest)
    (target / "serve").write_text(script(image), "utf-8")
    (target / "serve").chmod(0o755)
    base = image.base_image or f"python:{specification.python or _here()}-slim"
    (target / "Dockerfile").write_text(_dockerfile(image, base, packages, target), "utf-8")


def _here() -> str:
    import platform

    return platform.python_version()


def _copy(folder: Path, target: Path) -> None:
    """Copy a model so that any user can read it: modes are carried into the image, where another user serves."""
    if links := [path for path in folder.rglob("*") if path.is_symlink()]:
        raise UnsafePath(f"{links[0]} is a symbolic link; nothing was copied into an image")
    shutil.copytree(folder, target, copy_function=shutil.copyfile)
    target.chmod(0o755)
    for path in target.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)


def script(image: Image) -> str:
    """Return the command `serve`."""
    words = ["steno", "models", "serve", "--model-uri", MODEL, "--host", "0.0.0.0", "--port", str(PORT)]
    words += ["--env-manager", "local", "--allowed-hosts", "*", "--name", image.name]
    if image.version:
        words += ["--version", image.version]
    for name in image.trusted:
        words += ["--trusted", name]
    return f"""#!/bin/sh
# Serves the model at {MODEL} on port {PORT}; further arguments are those of `steno models serve`.
set -eu
if [ ! -f {MODEL}/MLmodel ]; then
    echo "there is no model at {MODEL}: mount the folder of one there" >&2
    exit 1
fi
{_INSTALL.format(model=MODEL) if image.folder is None else ""}exec {shlex.join(words)} \\
    --workers "${{MLFLOW_MODELS_WORKERS:-1}}" --timeout "${{MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT:-60}}" "$@"
"""


_INSTALL = """if [ -f {model}/requirements.txt ]; then
    lines=$(mktemp -d)
    if [ -f {model}/constraints.txt ]; then cp {model}/constraints.txt "$lines"; fi
    # A first line that is mlflow and no more names whatever reads the model, which is steno here.
    sed '1{{/^mlflow$/d;}}' {model}/requirements.txt > "$lines/requirements.txt"
    (cd {model} && python -m pip install --user --requirement "$lines/requirements.txt")
fi
"""


def _dockerfile(image: Image, base: str, packages: Packages, target: Path) -> str:
    parts = [
        f"# Written by steno {__version__}{f' for {_plain(image.origin)}' if image.origin else ''}.",
        f"FROM {base}",
    ]
    parts += [
        "# SageMaker says that it runs containers as root: --build-arg USER_ID=0",
        f"ARG USER_ID={USER_ID}",
        "ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore PYTHONUNBUFFERED=1",
        f"RUN useradd --create-home --uid {USER_ID} steno",
    ]
    if image.system_packages:
        named = " ".join(image.system_packages)
        install = f"apt-get install --yes --no-install-recommends {named}"
        parts.append(f"RUN apt-get update && {install} && rm -rf /var/lib/apt/lists/*")
    if packages.first:
        parts += ["WORKDIR /opt/ml/requirements", "COPY requirements/ ./", _pip(packages.first)]
    if (target / WHEELS).is_dir():
        parts.append(f"COPY {WHEELS}/ /opt/ml/{WHEELS}/")
    parts += [_pip(packages.then), "COPY serve /usr/local/bin/serve"]
    if image.folder is not None:
        parts.append(f"COPY model/ {MODEL}/")
    parts += [
        "WORKDIR /home/steno",
        "USER ${USER_ID}",
        f"EXPOSE {PORT}",
        f"HEALTHCHECK --interval=10s --timeout=5s --start-period=120s CMD {json.dumps(['python', '-c', _ALIVE])}",
        'CMD ["serve"]',
    ]
    return "\n".join(parts) + "\n"


def _pip(words: tuple[str, ...]) -> str:
    return f"RUN {json.dumps(['python', '-m', 'pip', 'install', *words])}"


def _plain(text: str) -> str:
    """A URI in a comment of one line."""
    return re.sub(r"[^\x20-\x7e]", "?", text)


__all__ = ["MODEL", "PORT", "USER_ID", "Image", "script", "write"]
