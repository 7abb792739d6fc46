"""Core keeps the door open by knowing nobody: it names no plugin, none of this repository and none of a stranger's."""

from __future__ import annotations

import ast
import re
import tomllib
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CORE = ROOT / "core" / "steno"

# Frameworks and tools that separately installable distributions stand for, here or soon.
FOREIGN = frozenset("lightgbm catboost optuna wandb tensorboard hyperopt accelerate transformers".split())

# Where core names a thing of a plugin's all the same, and why.
NAMES_A_PLUGIN: dict[tuple[str, str], str] = {}


@cache
def plugin_names() -> frozenset[str]:
    """Import packages and distributions of every plugin in the tree."""
    packages = {
        path.parent.name for kind in ("integrations", "plugins") for path in (ROOT / kind).glob("*/__init__.py")
    }
    packages |= {path.parent.name for path in (ROOT / "plugins").glob("steno-*/*/__init__.py")}
    distributions = {
        tomllib.loads(path.read_text("utf-8"))["project"]["name"]
        for path in (*ROOT.glob("plugins/*/pyproject.toml"), *ROOT.glob("examples/*/pyproject.toml"))
    }
    return frozenset(name for name in packages | distributions if name.startswith(("steno_", "steno-")))


@cache
def _pattern(names: frozenset[str]) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w-])({'|'.join(map(re.escape, sorted(names)))})(?![\w-])", re.IGNORECASE)


def named(text: str, names: frozenset[str]) -> set[str]:
    """Which of some names a text holds as words of their own."""
    return {found.lower() for found in _pattern(names).findall(text)}


def words(node: ast.AST) -> list[str]:
    """The texts and names that one node of code holds itself."""
    told = (getattr(node, field, None) for field in ("value", "id", "attr", "module", "arg", "name"))
    return [word for word in told if isinstance(word, str)]


def leaks(folder: Path) -> dict[tuple[str, str], int]:
    """Where files of core name a plugin anywhere, comments too, or a foreign framework in code."""
    found: dict[tuple[str, str], int] = {}
    for path in sorted(folder.rglob("*.py")):
        text = path.read_text("utf-8")
        place = str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else path.name
        for number, line in enumerate(text.splitlines(), 1):
            for name in named(line, plugin_names()):
                found.setdefault((place, name), number)
        tree = ast.parse(text)
        prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            for name in named(" ".join(words(node)), FOREIGN) if id(node) not in prose else ():
                found.setdefault((place, name), getattr(node, "lineno", 0))
    return found


def test_there_are_plugins_to_be_named() -> None:
    assert {"steno_sql", "steno_sklearn", "steno_context"} <= plugin_names()
    assert any(name.startswith("steno-") for name in plugin_names())


def test_core_names_no_plugin_and_no_foreign_framework() -> None:
    found = leaks(CORE)
    assert {place: line for place, line in found.items() if place not in NAMES_A_PLUGIN} == {}
    assert [place for place in NAMES_A_PLUGIN if place not in found] == [], "no longer needed: take it off the list"


def test_a_leak_would_be_found(tmp_path: Path) -> None:
    (tmp_path / "imports.py").write_text("import lightgbm\n")
    (tmp_path / "names.py").write_text('SPECIAL = {"optuna": 1}\n')
    (tmp_path / "asks.py").write_text("def f(model):\n    return model.catboost\n")
    (tmp_path / "remarks.py").write_text("x = 1  # as steno_sklearn does\n")
    (tmp_path / "innocent.py").write_text('"""An array of rays, as lightgbm has none."""\nrays = [1]\n')
    found = {place for place, _ in leaks(tmp_path)}
    assert found == {"imports.py", "names.py", "asks.py", "remarks.py"}


def test_every_extension_of_core_comes_by_an_entry_point() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    shipped = {
        path.parent.name for kind in ("integrations", "plugins") for path in (ROOT / kind).glob("steno_*/__init__.py")
    }
    assert shipped == set(project["entry-points"]["steno"].values())


def test_what_separate_distributions_bring_is_no_dependency_of_core() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    required = " ".join(project["dependencies"])
    assert named(required, FOREIGN) == set()
    assert "steno-" not in required
