"""Every protocol is documented with the signatures it has: the pages' stubs are compared with the code."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("plugins/PROTOCOLS.md", "plugins/MODELS.md", "integrations/PROTOCOLS.md")
STUB = re.compile(r"^```pyi\n(?P<text># (?P<module>steno[\w.]*)\n.*?)^```$", re.MULTILINE | re.DOTALL)

# What a plugin's author meets, by the module it is in. Of the registers, the methods that plugins call.
CONTRACTS = (
    "steno.contracts.stores",
    "steno.contracts.logged_models",
    "steno.contracts.registry",
    "steno.contracts.flavor",
    "steno.contracts.integration",
    "steno.contracts.importing",
    "steno.contracts.paths",
)
BESIDE = {
    "steno.autolog.containment": {"contained"},
    "steno.autolog.keeping": {"keep", "not_kept", "training", "Sample", "Snapshot"},
    "steno.autolog.quiet": {"quiet"},
    "steno.autolog.session": {"Session"},
    "steno.model_records": {
        "Change",
        "LoggedModel",
        "LoggedModelStatus",
        "ModelVersion",
        "RegisteredModel",
        "RegistryEvent",
    },
    "steno.plugins.registers": {"FlavorRegister", "ImporterRegister", "IntegrationRegister", "StoreRegister"},
    "steno.records": {"Batch", "ModelStart", "RunChange", "RunStart", "Series", "Token"},
    "steno.tracking.followers": {"Follower", "follow"},
}
CALLED = {
    "StoreRegister": {"runs", "artifacts", "models"},
    "FlavorRegister": {"__call__"},
    "IntegrationRegister": {"__call__"},
    "ImporterRegister": {"__call__"},
}


@cache
def stubs() -> tuple[tuple[str, ast.Module], ...]:
    """The stubs of all pages, with the module of each."""
    found = [match for page in PAGES for match in STUB.finditer((ROOT / page).read_text("utf-8"))]
    return tuple((match["module"], ast.parse(match["text"])) for match in found)


def named(body: list[ast.stmt]) -> Iterator[tuple[str, ast.stmt]]:
    """What a module or class defines, by name; of overloads the last, which is the one that runs."""
    for node in body:
        match node:
            case ast.ClassDef() | ast.FunctionDef():
                yield node.name, node
            case ast.AnnAssign(target=ast.Name(id=name)) | ast.Assign(targets=[ast.Name(id=name)]):
                yield name, node


@cache
def defined(module: str) -> dict[str, ast.stmt]:
    """What a module of ours defines for others."""
    tree = ast.parse(inspect.getsource(importlib.import_module(module)))
    return {name: node for name, node in named(tree.body) if not name.startswith("_")}


def signature(node: ast.stmt) -> str:
    """A definition less its body, as a reader writes it."""
    match node:
        case ast.FunctionDef():
            kinds = [kind for kind in map(ast.unparse, node.decorator_list) if kind in ("property", "classmethod")]
            returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
            return f"{' '.join(kinds)} {node.name}({ast.unparse(node.args)}){returns}".strip()
        case ast.ClassDef():
            return f"{node.name}({', '.join([*map(ast.unparse, node.bases), *map(ast.unparse, node.keywords)])})"
    return ast.unparse(node)


def members(node: ast.ClassDef) -> dict[str, str]:
    """The signatures of what a class has for others."""
    found = {name: signature(member) for name, member in named(node.body)}
    return {name: text for name, text in found.items() if not name.startswith("_") or name in ("__call__", "__init__")}


def test_everything_a_plugin_meets_is_on_a_page_once() -> None:
    shown = [(module, name) for module, tree in stubs() for name, _ in named(tree.body)]
    assert len(shown) == len(set(shown))
    there = {
        (module, name)
        for module in CONTRACTS
        for name, node in defined(module).items()
        if not (isinstance(node, ast.Assign) and ast.unparse(node).startswith(f"{name} = TypeVar("))
    }
    there |= {(module, name) for module, names in BESIDE.items() for name in names}
    assert set(shown) == there


@pytest.mark.parametrize("module", [*CONTRACTS, *BESIDE])
def test_what_a_page_shows_of_a_module_is_what_it_has(module: str) -> None:
    found = [(name, node) for shown, tree in stubs() if shown == module for name, node in named(tree.body)]
    assert found
    for name, node in found:
        real = defined(module)[name]
        if not isinstance(node, ast.ClassDef):
            assert signature(node) == signature(real)
            continue
        assert isinstance(real, ast.ClassDef)
        if name in CALLED:
            assert members(node) == {key: text for key, text in members(real).items() if key in CALLED[name]}
        else:
            assert signature(node) == signature(real)
            assert members(node) == members(real)


@pytest.mark.parametrize("page", PAGES)
def test_stubs_are_written_as_the_house_writes(page: str) -> None:
    for match in STUB.finditer((ROOT / page).read_text("utf-8")):
        command = [sys.executable, "-m", "ruff", "format", "--check", "--no-cache", "--stdin-filename", "stub.pyi", "-"]
        done = subprocess.run(
            command, cwd=ROOT, input=match["text"], capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, f"{page}: {match['module']}\n{done.stdout}{done.stderr}"
