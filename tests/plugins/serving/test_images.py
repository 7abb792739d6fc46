"""Images of models: the folder is whole, its Dockerfile names nothing that is not there, and what it says works."""

from __future__ import annotations

import http.client
import json
import os
import re
import shlex
import shutil
import signal
import stat
import subprocess
import sys
import time
import venv
from pathlib import Path
from typing import Any

import pytest
import steno
from click.testing import CliRunner, Result
from steno.asgi.listening import listening
from steno.cli.root import steno as command_line
from steno.cli.session import Session
from steno.errors import EnvironmentFailure
from steno_serving import engines, images

from tests.conftest import Installed, link_packages
from tests.plugins.serving.conftest import X

BODY = json.dumps({"dataframe_split": {"columns": list(X.columns), "data": X[:2].to_numpy().tolist()}})
Instruction = tuple[str, str]


def run(*words: str, status: int = 0, **given: Any) -> Result:
    found = CliRunner().invoke(command_line, ["models", *words], obj=Session(), **given)
    assert found.exit_code == status, found.output
    return found


def instructions(folder: Path) -> list[Instruction]:
    """The lines of a Dockerfile, all of one line each."""
    lines = (folder / "Dockerfile").read_text().splitlines()
    return [tuple(line.split(" ", 1)) for line in lines if not line.startswith("#")]  # type: ignore[misc]


def only(found: list[Instruction], name: str) -> str:
    (value,) = [words for each, words in found if each == name]
    return value


OFFLINE = {"PIP_NO_INDEX": "1", "PIP_NO_BUILD_ISOLATION": "0"}
"""For building steno's wheel by what is installed here."""


@pytest.fixture(autouse=True)
def offline(alone: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Build wheels without network."""
    for name, value in OFFLINE.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="module")
def written(linear: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an image, written once."""
    target = tmp_path_factory.mktemp("image") / "made"
    with pytest.MonkeyPatch.context() as patch:
        for name, value in OFFLINE.items():
            patch.setenv(name, value)
        before = os.umask(0o077)
        try:
            run("generate-dockerfile", "-m", str(linear), "-d", str(target), "--model-name", "it's", "--trusted", "a b")
        finally:
            os.umask(before)
    return target


def test_every_file_that_the_dockerfile_copies_is_there_and_no_other(written: Path) -> None:
    copied = [words.split()[0].rstrip("/") for name, words in instructions(written) if name == "COPY"]
    assert sorted(copied) == ["model", "requirements", "serve", "wheels"]
    assert sorted(path.name for path in written.iterdir()) == sorted([*copied, "Dockerfile"])
    assert not list(written.parent.glob(".*"))


def test_the_image_is_what_docker_kubernetes_and_sagemaker_expect(written: Path) -> None:
    found = instructions(written)
    assert only(found, "FROM") == f"python:{'.'.join(map(str, sys.version_info[:3]))}-slim"
    assert json.loads(only(found, "CMD")) == ["serve"]
    assert only(found, "EXPOSE") == "8080"
    assert (only(found, "ARG"), only(found, "USER")) == (f"USER_ID={images.USER_ID}", "${USER_ID}")
    assert "/ping" in only(found, "HEALTHCHECK")
    assert ("COPY", "serve /usr/local/bin/serve") in found
    assert ("COPY", "model/ /opt/ml/model/") in found
    order = [words for _, words in found]
    first, then = (
        next(at for at, words in enumerate(order) if part in words) for part in ("requirements.txt", ".whl[")
    )
    assert first < then < order.index("model/ /opt/ml/model/")


def test_whoever_serves_can_read_the_model_and_it_is_the_same(written: Path, linear: Path) -> None:
    for path in [written / "model", *(written / "model").rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o755 if path.is_dir() else 0o644)
    assert stat.S_IMODE((written / "serve").stat().st_mode) == 0o755
    for path in (each for each in linear.rglob("*") if each.is_file()):
        assert (written / "model" / path.relative_to(linear)).read_bytes() == path.read_bytes()


def test_the_reader_alone_is_not_required_and_wheels_beside_the_model_are_brought(
    written: Path, linear: Path, tmp_path: Path
) -> None:
    lines = (written / "requirements" / "requirements.txt").read_text().splitlines()
    assert lines == [line for line in (linear / "requirements.txt").read_text().splitlines() if line != "mlflow"]
    folder = tmp_path / "model"
    shutil.copytree(linear, folder)
    (folder / "wheels").mkdir()
    (folder / "wheels" / "own-1.0-py3-none-any.whl").write_bytes(b"PK")
    (folder / "requirements.txt").write_text("mlflow\nwheels/own-1.0-py3-none-any.whl\n-c constraints.txt\n")
    (folder / "constraints.txt").write_text("numpy<3\n")
    steno.models.seal_model(folder)
    images.write(images.Image(folder, base_image="python:3.13-slim"), tmp_path / "image")
    assert only(instructions(tmp_path / "image"), "FROM") == "python:3.13-slim"
    requirements = tmp_path / "image" / "requirements"
    assert (requirements / "wheels" / "own-1.0-py3-none-any.whl").read_bytes() == b"PK"
    assert (requirements / "constraints.txt").read_text() == "numpy<3\n"
    assert '"--constraint", "constraints.txt"' in (tmp_path / "image" / "Dockerfile").read_text()


def test_names_are_quoted_for_the_shell(written: Path) -> None:
    words = shlex.split((written / "serve").read_text().split("exec ")[1].replace("\\\n", ""))
    assert words[words.index("--name") + 1] == "it's"
    assert words[words.index("--trusted") + 1] == "a b"
    assert subprocess.run(["sh", "-n", str(written / "serve")], timeout=20, check=False).returncode == 0


def test_an_image_without_a_model_serves_the_one_that_is_mounted(tmp_path: Path) -> None:
    run("generate-dockerfile", "-d", str(tmp_path / "image"), "--system-package", "libgomp1")
    found = instructions(tmp_path / "image")
    assert not any(words.startswith(("model/", "requirements/")) for name, words in found if name == "COPY")
    assert any("apt-get install --yes --no-install-recommends libgomp1" in words for _, words in found)
    script = (tmp_path / "image" / "serve").read_text()
    assert "pip install --user --requirement" in script
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, timeout=20, check=False)
    assert (done.returncode, done.stderr) == (1, "there is no model at /opt/ml/model: mount the folder of one there\n")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("-m", "nowhere"), "there is nothing at nowhere"),
        (("--base-image", "a b"), "'a b' is no name of an image"),
        (("--system-package", "a;b"), "'a;b' is no name of a Debian package"),
        (("-d", "."), "is not empty"),
    ],
)
def test_what_cannot_be_written_is_one_sentence_and_leaves_nothing(
    words: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    (tmp_path / "mine").write_text("x")
    found = run("generate-dockerfile", *words, status=1).output
    assert found.startswith("Error: ")
    assert said in found
    assert found.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_link_in_a_models_folder_is_not_followed_into_an_image(linear: Path, tmp_path: Path) -> None:
    shutil.copytree(linear, tmp_path / "model")
    (tmp_path / "model" / "more").symlink_to("/etc/hostname")
    with pytest.raises(steno.errors.UnsafePath, match="symbolic link"):
        images.write(images.Image(tmp_path / "model"), tmp_path / "image")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model"]


def test_a_model_of_a_python_that_steno_has_not_is_said(linear: Path, tmp_path: Path) -> None:
    shutil.copytree(linear, tmp_path / "model")
    (tmp_path / "model" / "python_env.yaml").write_text("python: 3.8.1\ndependencies:\n- -r requirements.txt\n")
    with pytest.raises(steno.errors.InvalidValue, match=r"Python 3\.8\.1, and steno runs on >=3\.11: .*--base-image"):
        images.write(images.Image(tmp_path / "model"), tmp_path / "image")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model"]


ENGINE = """#!/bin/sh
if [ "$1" = info ]; then if [ -f "$0.silent" ]; then echo "no daemon" >&2; exit 1; fi; exit 0; fi
printf '%s\\n' "$@" > "$0.asked"
ls "$4" > "$0.seen"
exit $(cat "$0.status")
"""


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of engines that is alone on PATH: they build nothing, and note what they are asked."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("sh", "ls", "cat"):
        (folder / name).symlink_to(str(shutil.which(name)))
    monkeypatch.setenv("PATH", str(folder))
    return folder


def made(folder: Path, name: str, status: int = 0) -> None:
    (folder / name).write_text(ENGINE)
    (folder / name).chmod(0o755)
    (folder / f"{name}.status").write_text(str(status))


def test_the_engine_that_answers_is_asked_to_build_the_folder(linear: Path, programs: Path) -> None:
    words = ("build-docker", "-m", str(linear), "-n", "here/sums:1")
    assert "neither docker nor podman is installed" in run(*words, status=1).output
    made(programs, "docker")
    (programs / "docker.silent").touch()
    said = run(*words, status=1).output
    assert "docker does not answer (no daemon)" in said
    assert said.count("\n") == 1
    made(programs, "podman")
    assert "here/sums:1 is built" in run(*words).output
    asked = (programs / "podman.asked").read_text().splitlines()
    assert asked[:3] == ["build", "--tag", "here/sums:1"]
    assert (programs / "podman.seen").read_text().split() == ["Dockerfile", "model", "requirements", "serve", "wheels"]
    assert not Path(asked[3]).exists()
    made(programs, "podman", status=3)
    with pytest.raises(EnvironmentFailure, match="podman ended with 3, and there is no image x"):
        engines.build(engines.find("podman"), programs, "x")


def _done_in(environment: Installed, found: list[Instruction], context: Path, root: Path) -> None:
    """Do what a Dockerfile says, in a folder that stands for the image's root: COPY, WORKDIR and the RUNs of pip."""

    def there(path: str, where: Path) -> Path:
        return root / path.lstrip("/") if path.startswith("/") else where / path

    where = root
    for name, words in found:
        if name == "WORKDIR":
            where = there(words, where)
            where.mkdir(parents=True, exist_ok=True)
        elif name == "COPY":
            source, target = words.split()
            if source.endswith("/"):
                shutil.copytree(context / source, there(target, where), dirs_exist_ok=True)
            else:
                there(target, where).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(context / source, there(target, where))
        elif name == "RUN" and words.startswith("["):
            command = [re.sub(r"^/opt/", f"{root}/opt/", word) for word in json.loads(words)]
            environment.run(*command, cwd=where)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_what_the_dockerfile_says_serves_the_model(written: Path, tmp_path: Path) -> None:
    root, folder = tmp_path / "root", tmp_path / "venv"
    root.mkdir()
    venv.EnvBuilder(with_pip=False, symlinks=True).create(folder)
    (site,) = folder.glob("lib/python3*/site-packages")
    # The packages of the environment that runs the tests stand for the package index: steno alone is installed.
    link_packages(tmp_path / "packages")
    (site / "packages.pth").write_text(f"{tmp_path / 'packages'}\n", "utf-8")
    environment = Installed(folder, next(written.glob("wheels/*.whl")))
    _done_in(environment, instructions(written), written, root)
    script = root / "usr/local/bin/serve"
    with listening("127.0.0.1", 0) as free:
        port = free.getsockname()[1]
    text = script.read_text().replace("/opt/ml/model", f"{root}/opt/ml/model").replace("--port 8080", f"--port {port}")
    script.write_text(text.replace("--host 0.0.0.0", "--host 127.0.0.1"))
    process = subprocess.Popen([script, "--name", "again"], cwd=root / "home/steno", env=environment.environ())
    try:
        healthy = json.loads(only(instructions(written), "HEALTHCHECK").split("CMD ")[1].replace("8080", str(port)))
        deadline = time.monotonic() + 60
        while environment.run(*healthy, cwd=root, check=False).returncode:
            assert process.poll() is None
            assert time.monotonic() < deadline
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        connection.request("POST", "/invocations", BODY, {"Content-Type": "application/json"})
        assert json.loads(connection.getresponse().read())["predictions"] == pytest.approx(X[:2].sum(axis=1).tolist())
        connection.request("GET", "/v2/models/again/ready", headers={"Host": "sums.prod.svc"})
        assert connection.getresponse().status == 200
        connection.close()
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
    assert process.returncode in (0, 128 + signal.SIGTERM)
    assert (site / "steno_serving").is_dir()
