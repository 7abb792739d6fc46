"""`steno plugins new`: refusals are clear and leave nothing; what it writes is whole."""

from __future__ import annotations

import ast
import sys
import tomllib
from pathlib import Path

import pytest
from steno.cli.new_plugin import KINDS
from steno.cli.new_plugin_files import render
from steno.cli.new_plugin_names import LONGEST, NewPlugin


def test_without_options_it_is_an_integration_with_a_flavor(steno, tmp_path: Path) -> None:
    printed = steno("plugins", "new", "my-trainer").stdout
    assert "wrote steno-my-trainer, which brings an integration and a flavor" in printed
    files = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file())
    assert files == [
        "steno-my-trainer/README.md",
        "steno-my-trainer/pyproject.toml",
        "steno-my-trainer/steno_my_trainer/__init__.py",
        "steno-my-trainer/steno_my_trainer/autolog.py",
        "steno-my-trainer/steno_my_trainer/flavor.py",
        "steno-my-trainer/tests/standin_my_trainer.py",
        "steno-my-trainer/tests/test_autolog.py",
        "steno-my-trainer/tests/test_flavor.py",
    ]
    assert all(file in printed for file in files)


def test_the_prefix_may_be_given_and_json_names_the_files(steno_json, tmp_path: Path) -> None:
    said = steno_json("plugins", "new", "steno-blob", "--kind", "store", "--folder", tmp_path / "elsewhere")
    assert (said["distribution"], said["folder"]) == ("steno-blob", str(tmp_path / "elsewhere"))
    assert sorted(said["files"]) == sorted(
        str(path.relative_to(tmp_path / "elsewhere")) for path in Path("elsewhere").resolve().rglob("*.*")
    )


def test_an_installed_framework_is_named_with_its_version_wherever_it_counts(steno) -> None:
    import scipy

    steno("plugins", "new", "scipy")
    requires = f"scipy>={scipy.__version__}"
    project = tomllib.loads(Path("steno-scipy/pyproject.toml").read_text("utf-8"))["project"]
    assert requires in project["dependencies"]
    init = Path("steno-scipy/steno_scipy/__init__.py").read_text("utf-8")
    assert init.count(f'requires="{requires}"') == 2
    assert 'when="scipy | standin_scipy"' in init
    assert 'owns=("scipy", "standin_scipy")' in init


def test_a_framework_may_have_another_name_than_the_plugin(steno) -> None:
    steno("plugins", "new", "optimize", "--framework", "scipy.optimize", "--kind", "integration")
    init = Path("steno-optimize/steno_optimize/__init__.py").read_text("utf-8")
    assert 'when="scipy.optimize | standin_optimize"' in init
    assert (
        'modules = ("scipy.optimize", "standin_optimize")'
        in Path("steno-optimize/steno_optimize/autolog.py").read_text()
    )


@pytest.mark.parametrize(
    "name",
    [
        "My Trainer",
        "1st",
        "a--b",
        "-a",
        "a-",
        "trainer!",
        "é",
        "../up",
        "a/b",
        "",
        "Trainer",
        "x" * (LONGEST + 1),
        "a.b",
    ],
)
def test_a_name_that_is_none_is_refused(steno, name: str) -> None:
    done = steno("plugins", "new", "--", name, status=1)
    assert "cannot be the name of a distribution and a module" in done.stderr
    assert list(Path().iterdir()) == []


def test_a_word_of_pythons_own_is_refused(steno) -> None:
    assert "a word of Python's own" in steno("plugins", "new", "class", status=1).stderr


@pytest.mark.parametrize(
    ("words", "taken"),
    [
        (["sql"], "a plugin 'sql'"),
        (["sklearn", "--kind", "observer"], "a plugin 'sklearn'"),
        (["pytorch-lightning"], "an integration 'pytorch_lightning'"),
        (["records"], "`steno.records`"),
        (["log-metric"], "`steno.log_metric`"),
        (["sqlite", "--kind", "store"], "a store for sqlite://"),
        (["file", "--kind", "store"], "a store for file://"),
        (["runs", "--kind", "command"], "the command `steno runs`"),
        (["files", "--kind", "observer"], "a plugin 'files'"),
    ],
)
def test_a_name_that_is_taken_is_refused(steno, words: list[str], taken: str) -> None:
    assert f"{taken} is already there" in steno("plugins", "new", *words, status=1).stderr
    assert list(Path().iterdir()) == []


def test_a_module_or_distribution_that_is_installed_is_refused(steno, tmp_path: Path, monkeypatch) -> None:
    site = tmp_path / "site"
    (site / "steno_mine").mkdir(parents=True)
    (site / "steno_mine/__init__.py").write_text("", "utf-8")
    (site / "steno_yours-1.0.dist-info").mkdir()
    (site / "steno_yours-1.0.dist-info/METADATA").write_text("Name: steno-yours\nVersion: 1.0\n", "utf-8")
    monkeypatch.syspath_prepend(str(site))
    assert "a module 'steno_mine'" in steno("plugins", "new", "mine", status=1).stderr
    assert "a distribution 'steno-yours'" in steno("plugins", "new", "yours", status=1).stderr


def test_a_framework_whose_models_have_a_flavor_already_gets_no_second(steno) -> None:
    said = steno("plugins", "new", "mine", "--framework", "sklearn", status=1).stderr
    assert "belong to the flavor 'sklearn'" in said
    assert "--kind integration" in said
    steno("plugins", "new", "mine", "--framework", "sklearn", "--kind", "integration")


@pytest.mark.parametrize(
    ("framework", "said"),
    [("no_such_module", "no installed distribution brings"), ("not a module", "is no name of a module")],
)
def test_a_framework_that_is_not_there_is_said_so(steno, framework: str, said: str) -> None:
    assert said in steno("plugins", "new", "mine", "--framework", framework, status=1).stderr
    assert list(Path().iterdir()) == []


def test_a_framework_for_what_trains_nothing_is_refused(steno) -> None:
    said = steno("plugins", "new", "mine", "--kind", "store", "--framework", "scipy", status=1).stderr
    assert "leave it out" in said


def test_a_kind_that_does_not_exist_is_refused_with_those_that_do(steno) -> None:
    said = steno("plugins", "new", "mine", "--kind", "page", status=2).stderr
    assert all(kind in said for kind in KINDS)


@pytest.mark.parametrize("there", ["folder", "full", "file", "link"])
def test_what_is_there_is_never_touched(steno, tmp_path: Path, there: str) -> None:
    place = tmp_path / "steno-mine"
    match there:
        case "folder" | "full":
            place.mkdir()
            if there == "full":
                (place / "note.txt").write_text("mine", "utf-8")
        case "file":
            place.write_text("mine", "utf-8")
        case "link":
            place.symlink_to(tmp_path / "nowhere")
    before = sorted(tmp_path.rglob("*"))
    assert "is already there" in steno("plugins", "new", "mine", status=1).stderr
    assert sorted(tmp_path.rglob("*")) == before


def test_a_folder_that_cannot_be_written_into_is_said_so(steno, tmp_path: Path) -> None:
    missing = tmp_path / "no" / "such"
    assert "there is no folder" in steno("plugins", "new", "mine", "--folder", missing / "mine", status=1).stderr
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_left_of_one_that_could_not_be_written_whole(steno, tmp_path: Path, monkeypatch) -> None:
    write_text = Path.write_text

    def fail_on_the_last(path: Path, *args, **kwargs):
        if path.name == "test_flavor.py":
            raise OSError(28, "No space left on device")
        return write_text(path, *args, **kwargs)

    monkeypatch.setattr(Path, "write_text", fail_on_the_last)
    assert "No space left" in steno("plugins", "new", "mine", status=1).stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kinds", [KINDS, *[(kind,) for kind in KINDS]], ids="+".join)
@pytest.mark.parametrize("framework", ["", "trainer"])
def test_what_is_written_is_whole_and_says_what_to_replace(kinds: tuple[str, ...], framework: str) -> None:
    texts = render(NewPlugin("mine", kinds, framework, f"{framework}>=1.0" if framework else ""))
    for name, text in texts.items():
        assert "$" not in text.replace("\n$ ", ""), name
        assert "#if" not in text
        assert "#end" not in text
        assert text.endswith("\n")
        if name.endswith(".py"):
            assert ast.get_docstring(ast.parse(text))
        if name.endswith(".toml"):
            assert tomllib.loads(text)["project"]["entry-points"]["steno"] == {"mine": "steno_mine"}
    for kind in kinds:
        module = "autolog" if kind == "integration" else kind
        assert "REPLACE" in texts[f"steno_mine/{module}.py"]
        assert f"tests/test_{module}.py" in texts
        assert f"steno_mine/{module}.py" in texts["README.md"]


def test_help_says_all_there_is_to_choose(steno) -> None:
    said = " ".join(steno("plugins", "new", "--help").stdout.split())
    assert all(kind in said for kind in KINDS)
    assert "REPLACE" in said
    assert "new" in steno("plugins", "--help").stdout


def test_nothing_heavy_is_imported_for_help() -> None:
    import subprocess

    program = (
        "import steno.cli.new_plugin, sys; print([m for m in ('sqlalchemy', 'numpy', 'rich') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
