"""Commands that go on in a model's environment: they become its interpreter, with their signals and their status."""

from __future__ import annotations

import json
import os
import signal
import site
import subprocess
import sys
import time
import urllib.request
import venv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import steno
from steno.environments import cache, prepare, python_of, specification_of
from steno.models import untrusted_types
from steno.tracking.brought import adopt, forget, is_brought
from steno_serving.environments import EXTRAS

from tests.plugins.serving.test_command import STENO, free_port

ARRAY = np.array([[1.0], [2.0]])


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place for environments that commands are told."""
    monkeypatch.setenv("STENO_ENV_ROOT", str(tmp_path / "environments"))
    return tmp_path / "environments"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model that says what it runs in."""

    def where(model_input: list[str]) -> list[str]:
        return [sys.prefix, os.environ.get("STENO_TEST_WORD", ""), *model_input]

    steno.pyfunc.save_model(tmp_path / "model", python_model=where)
    return tmp_path / "model"


def trusted(model: Path) -> list[str]:
    return [f"--trusted={name}" for name in untrusted_types(model)]


def environment_of(model: Path, monkeypatch: pytest.MonkeyPatch, override: tuple[str, ...] = ()) -> cache.Built:
    """Keep an environment for a model that sees what is installed here: nothing has to be fetched for it."""

    def make(folder: Path, *_: Any) -> None:
        venv.create(folder, symlinks=True)
        packages = next(folder.glob("lib/python*/site-packages"))
        here = [path for path in site.getsitepackages() if Path(path).is_dir()]
        (packages / "here.pth").write_text("".join(f"import site; site.addsitedir({path!r})\n" for path in here))

    with monkeypatch.context() as patched:
        patched.setattr(cache, "_make", make)
        return prepare(specification_of(model).overridden(override), "virtualenv", extras=EXTRAS)


def steno_command(*words: str, status: int = 0, **given: Any) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([str(STENO), "models", *words], capture_output=True, text=True, timeout=100, **given)
    assert done.returncode == status, done.stderr
    return done


def test_predict_goes_on_in_the_environment_with_all_that_it_was_told(
    model: Path, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = environment_of(model, monkeypatch, ("six==1.16.0",))
    words = ["-m", str(model), "--env-manager", "virtualenv", "-r", "six==1.16.0", "--env", "STENO_TEST_WORD=a b"]
    files = ["-i", "in file.json", "-o", "out.json"]
    (tmp_path / "in file.json").write_text('{"inputs": ["x"]}')
    steno_command("predict", *words, *files, *trusted(model))
    assert json.loads((tmp_path / "out.json").read_text())["predictions"] == [str(made.folder), "a b", "x"]


def test_variables_alone_begin_anew_with_what_is_installed_here(model: Path) -> None:
    words = ["-m", str(model), "--env", "STENO_TEST_WORD=b", *trusted(model)]
    found = json.loads(steno_command("predict", *words, input='{"inputs": ["x"]}').stdout)
    assert found["predictions"] == [sys.prefix, "b", "x"]


def test_serve_becomes_the_interpreter_of_the_environment(
    model: Path, root: Path, monkeypatch: pytest.MonkeyPatch, wait: Callable[..., None]
) -> None:
    made, port = environment_of(model, monkeypatch), free_port()
    words = ["-m", str(model), "--env-manager", "virtualenv", "--port", str(port), "--name", "where", *trusted(model)]
    process = subprocess.Popen([str(STENO), "models", "serve", *words], stderr=subprocess.PIPE, text=True)

    def answered() -> bool:
        assert process.poll() is None, process.communicate()[1]
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/ping", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            time.sleep(0.1)
            return False

    try:
        wait(answered, 60)
        body = urllib.request.Request(
            f"http://127.0.0.1:{port}/invocations", b'{"inputs": ["x"]}', {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(body, timeout=20) as answer:
            assert json.load(answer)["predictions"][0] == str(made.folder)
        assert Path(f"/proc/{process.pid}/cmdline").read_bytes().startswith(str(made.python).encode() + b"\0")
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/v2/models/where", timeout=20) as answer:
            assert json.load(answer)["name"] == "where"
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
    assert process.returncode in (0, 128 + signal.SIGTERM)


def test_prepare_env_prints_the_interpreter(model: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = environment_of(model, monkeypatch)
    assert steno_command("prepare-env", "-m", str(model)).stdout == f"{made.python}\n"
    told = json.loads(steno_command("prepare-env", "-m", str(model), "--json").stdout)
    assert told == {"python": str(made.python), "version": made.version, "environment": made.key, "fresh": False}


@pytest.mark.parametrize("command", ["predict", "serve", "prepare-env"])
def test_an_environment_that_cannot_be_made_is_one_sentence(model: Path, root: Path, command: str) -> None:
    (model / "requirements.txt").write_text("--no-index\nno-such-package==1.5")
    (model / "python_env.yaml").write_text("dependencies: ['-r gone.txt']")
    said = steno_command(command, "-m", str(model), "--env-manager", "virtualenv", status=1, input="").stderr
    assert said.startswith("Error: ")
    assert "gone.txt cannot be read" in said
    assert said.count("\n") == 1
    assert not root.exists()


def test_other_requirements_without_an_environment_are_a_usage_error(model: Path) -> None:
    said = steno_command("predict", "-m", str(model), "-r", "six", status=2, input="").stderr
    assert "choose --env-manager virtualenv or uv" in said
    assert (
        "needs no preparing" in steno_command("prepare-env", "-m", str(model), "--env-manager=local", status=2).stderr
    )


def test_a_model_that_was_brought_here_goes_with_the_program_that_this_one_became(tmp_path: Path) -> None:
    folder = tmp_path / "models" / "abc"
    folder.mkdir(parents=True)
    assert not is_brought(folder)
    adopt(folder)
    assert is_brought(folder)
    forget()
    assert not folder.exists()


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_model_is_verified_in_an_environment_that_is_made_for_it(tmp_path: Path, root: Path) -> None:
    """The one real making, by pip: steno from where it is installed here, and what the model names."""
    steno.pyfunc.save_model(
        tmp_path / "model",
        python_model=lambda model_input: [len(each) for each in model_input],
        input_example=["a", "bc"],
        signature=False,
        pip_requirements=["cloudpickle>=3"],
    )
    # Without the build tools, which would be fetched for nothing: no package here is built.
    (tmp_path / "model" / "python_env.yaml").write_text("dependencies: ['-r requirements.txt']\n")
    words = ["verify", str(tmp_path / "model"), *trusted(tmp_path / "model"), "--json"]
    found = json.loads(steno_command(*words).stdout)
    assert (found["ok"], found["what"]) == (True, "loads and predicts as with what is installed here")
    python = python_of(root / found["environment"])
    ask = "import steno, sys; print(sys.prefix, 'mlflow' in sys.modules)"
    said = subprocess.run([python, "-I", "-c", ask], capture_output=True, text=True, check=True, timeout=60).stdout
    assert said.split() == [str(root / found["environment"]), "False"]
    assert json.loads(steno_command(*words).stdout)["environment"] == found["environment"]


def test_the_extra_that_is_installed_is_one_of_ours() -> None:
    from importlib import metadata

    assert set(EXTRAS) <= set(metadata.metadata("steno").get_all("Provides-Extra") or ())
