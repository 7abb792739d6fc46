"""What an environment is made of: read from the files of a folder, whichever of them there are."""

from __future__ import annotations

import logging
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from steno.environments import specification_of
from steno.errors import EnvironmentFailure
from steno.models.requirements import Environment

PYTHON_ENV = "python: 3.11.7\nbuild_dependencies: [pip==24.0]\ndependencies: ['-r requirements.txt']\n"


def folder(place: Path, **files: str) -> Path:
    for name, text in files.items():
        (place / name.replace("__", ".")).write_text(text)
    return place


def test_what_a_model_is_saved_with_comes_back(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("six>=1.16  # why\n-c bounds.txt\n\n# a remark\n")
    (tmp_path / "bounds.txt").write_text("six<2\n")
    place = tmp_path / "model"
    place.mkdir()
    (tmp_path / "mine.txt").write_text(f"six>=1.16  # why\n-c {tmp_path}/bounds.txt\n\n# a remark\n")
    Environment(pip_requirements=tmp_path / "mine.txt").write(place)
    found = specification_of(place)
    assert found.requirements == ("six>=1.16",)
    assert found.constraints == ("six<2",)
    assert found.python.count(".") == 2
    assert [line.partition("==")[0] for line in found.build] == ["pip", "setuptools", "wheel"]
    assert found.origin.endswith("model/python_env.yaml")


def test_only_the_line_that_names_the_reader_is_left_out(tmp_path: Path) -> None:
    folder(tmp_path, python_env__yaml=PYTHON_ENV, requirements__txt="mlflow==3.1\nsix")
    assert specification_of(tmp_path).requirements == ("mlflow==3.1", "six")
    (tmp_path / "requirements.txt").write_text("six\nmlflow")
    assert specification_of(tmp_path).requirements == ("six", "mlflow")
    (tmp_path / "requirements.txt").write_text("mlflow\nsix")
    assert specification_of(tmp_path).requirements == ("six",)


def test_a_conda_environment_lends_its_pip_part_and_says_what_it_leaves_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    conda = "dependencies: [python=3.12.1, pip<=24, 'numpy=1.26', {pip: [mlflow, six==1.16]}]\n"
    folder(tmp_path, conda__yaml=conda, requirements__txt="other")
    with caplog.at_level(logging.WARNING, "steno.environments"):
        found = specification_of(tmp_path)
    assert (found.python, found.requirements, found.build) == ("3.12.1", ("six==1.16",), ())
    assert "left out: numpy=1.26" in caplog.text


def test_mere_requirements_are_for_any_python(tmp_path: Path) -> None:
    found = specification_of(folder(tmp_path, requirements__txt="six\n-r more.txt", more__txt="attrs"))
    assert (found.python, found.requirements) == ("", ("six", "attrs"))


def test_a_folder_without_any_says_so_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFailure, match=r"neither python_env.yaml nor conda.yaml .* `local`"):
        specification_of(tmp_path)


@pytest.mark.parametrize(
    "text",
    ["", "- a list", "python: [", "python: x\n", "python: ../../bin\n", "dependencies: six\n",
     "dependencies: [{a: 1}]\n", "dependencies: ['-r gone.txt']\n", "dependencies: ['-r loop.txt']\n"],
)  # fmt: skip
def test_a_damaged_file_is_one_sentence(tmp_path: Path, text: str) -> None:
    with pytest.raises(EnvironmentFailure) as caught:
        specification_of(folder(tmp_path, python_env__yaml=text, loop__txt="-r loop.txt"))
    assert str(tmp_path) in caught.value.message


@pytest.mark.parametrize("name", ["../secret.txt", "/etc/passwd", "link.txt"])
def test_a_file_outside_the_folder_is_not_read(tmp_path: Path, name: str) -> None:
    (tmp_path / "secret.txt").write_text("six")
    place = tmp_path / "model"
    place.mkdir()
    (place / "link.txt").symlink_to(tmp_path / "secret.txt")
    with pytest.raises(EnvironmentFailure, match=r"absolute|climbs|symbolic link|simplest|leave"):
        specification_of(folder(place, python_env__yaml=f"dependencies: ['-r {name}']\n"))


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    place = tmp_path_factory.mktemp("any")
    for name in ("python_env.yaml", "conda.yaml", "requirements.txt"):
        (place / name).write_text(text, "utf-8", newline="")
        with suppress(EnvironmentFailure):
            specification_of(place)
        (place / name).unlink()
