"""The rules for hooks: one form, documented, implemented, tested, and each keeps the policy of its kind."""

from __future__ import annotations

import ast
import importlib
import inspect
import logging
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import click
import pytest
from steno import hookspecs
from steno.errors import PluginError
from steno.plugins import Plugins
from steno.plugins.hooks import Hooks
from steno.records import Batch

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("Kind", "When", "Args", "Returns", "See")
HOOKS: dict[str, Callable[..., Any]] = {
    name: function
    for name, function in vars(hookspecs).items()
    if name.startswith("steno_") and hasattr(function, "steno_spec")
}
AT_REGISTRATION = (
    "steno_register_stores",
    "steno_register_flavors",
    "steno_register_integrations",
    "steno_register_importers",
)
each_hook = pytest.mark.parametrize("name", HOOKS)


def part(name: str, label: str) -> str:
    """One labelled part of a hook's docstring."""
    found = re.search(rf"^{label}: (.+?)(?=^\w+: |\Z)", inspect.getdoc(HOOKS[name]) or "", re.MULTILINE | re.DOTALL)
    assert found, f"{name} does not say its {label}"
    return found[1].strip()


def kind(name: str) -> str:
    """Offer, gate or observer."""
    return part(name, "Kind").partition(",")[0].rstrip(".")


def signature(name: str) -> str:
    """A hook as a reader would write it."""
    return name + str(inspect.signature(HOOKS[name])).replace("'", "")


@cache
def implementations(folder: Path) -> frozenset[str]:
    """The hooks that modules below a folder implement."""
    found = set()
    for text in (path.read_text("utf-8") for path in folder.rglob("*.py")):
        for node in ast.walk(ast.parse(text)) if "hookimpl" in text else ():
            if isinstance(node, ast.FunctionDef) and any("hookimpl" in ast.unparse(d) for d in node.decorator_list):
                found.add(node.name)
    return frozenset(found)


def test_every_name_with_our_prefix_is_a_hook() -> None:
    functions = {name for name, value in vars(hookspecs).items() if name.startswith("steno_") and callable(value)}
    assert functions == set(HOOKS)
    assert len(HOOKS) > 5


@each_hook
def test_a_hook_begins_with_one_sentence(name: str) -> None:
    first = (inspect.getdoc(HOOKS[name]) or "").splitlines()[0]
    assert re.fullmatch(r"[A-Z][^.]*\.", first), first


@each_hook
def test_a_hook_says_its_parts_in_order(name: str) -> None:
    labels = re.findall(r"^([A-Z]\w+): ", inspect.getdoc(HOOKS[name]) or "", re.MULTILINE)
    assert tuple(labels) == PARTS


@each_hook
def test_a_hook_is_an_offer_a_gate_or_an_observer(name: str) -> None:
    assert kind(name) in ("offer", "gate", "observer")


@each_hook
def test_a_hook_describes_each_of_its_arguments(name: str) -> None:
    described = re.findall(r"(?:^|\. |\n)(\w+): ", part(name, "Args"))
    assert described == list(inspect.signature(HOOKS[name]).parameters)


@each_hook
def test_a_hook_points_to_something_that_exists(name: str) -> None:
    place = part(name, "See").rstrip(".")
    try:
        importlib.import_module(place)
    except ModuleNotFoundError:
        module, _, attribute = place.rpartition(".")
        assert hasattr(importlib.import_module(module), attribute), place


@each_hook
def test_a_hook_is_documented_with_its_exact_signature(name: str) -> None:
    headings = re.findall(r"^### `(.+)`$", (ROOT / "plugins/HOOKS.md").read_text("utf-8"), re.MULTILINE)
    assert signature(name) in headings


def test_no_hook_is_documented_that_does_not_exist() -> None:
    headings = re.findall(r"^### `(\w+)\(.*`$", (ROOT / "plugins/HOOKS.md").read_text("utf-8"), re.MULTILINE)
    assert headings == list(HOOKS), "every hook once, in order of life"


def test_a_hooks_kind_is_what_the_pages_say() -> None:
    content = (ROOT / "plugins/HOOKS.md").read_text("utf-8")
    told = dict(re.findall(r"^### `(\w+)\(.*`\n\n(Offer|Gate|Observer),", content, re.MULTILINE))
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \|", (ROOT / "plugins/README.md").read_text("utf-8"), re.MULTILINE)
    assert rows == [(name, kind(name)) for name in HOOKS]
    assert {name: word.lower() for name, word in told.items()} == dict(rows)


@each_hook
def test_a_hook_is_implemented_in_the_tree(name: str) -> None:
    folders = (ROOT / "plugins", ROOT / "integrations", ROOT / "examples")
    assert name in frozenset().union(*map(implementations, folders))


@each_hook
def test_a_hook_has_a_test_named_for_it(name: str) -> None:
    texts = (path.read_text("utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    assert any(re.search(rf"def test_{name}_\w+\(", text) for text in texts)


@pytest.mark.parametrize("name", [name for name in HOOKS if name not in AT_REGISTRATION])
def test_a_hook_is_called_by_one_typed_method(name: str) -> None:
    method = getattr(Hooks, name.removeprefix("steno_"))
    assert list(inspect.signature(method).parameters)[1:] == list(inspect.signature(HOOKS[name]).parameters)


def broken(name: str) -> object:
    """A plugin whose only hook raises."""

    def raises(self: object) -> None:
        raise RuntimeError(f"{name} is broken")

    raises.__name__ = name
    return type("Broken", (), {name: hookspecs.hookimpl(raises)})()


@each_hook
def test_a_hook_that_raises_meets_the_policy_of_its_kind(name: str, caplog: pytest.LogCaptureFixture) -> None:
    plugins = Plugins()
    plugins.register(broken(name), "broken")
    given = {"batch": Batch(), "cli": click.Group(), "models": click.Group()}
    arguments = {each: given.get(each) for each in inspect.signature(HOOKS[name]).parameters}

    def call() -> None:
        if name not in AT_REGISTRATION:
            getattr(plugins.hooks, name.removeprefix("steno_"))(**arguments)
            assert plugins.hooks.settle(10) == [], "observers of batches are called on threads of their own"

    with caplog.at_level(logging.WARNING, "steno"):
        match kind(name):
            case "gate":
                with pytest.raises((RuntimeError, PluginError), match="is broken"):
                    call()
            case "observer":
                call()
                call()
                assert len(caplog.records) == 1, "said once"
                assert "broken" not in plugins.failures
            case "offer":
                call()
                assert plugins.failures == {"broken": f"RuntimeError: {name} is broken"}
