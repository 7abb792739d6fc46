"""The modules that the pages show are good plugins: they register, and do what their page says."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from steno.cli.new_plugin_files import render
from steno.cli.new_plugin_names import NewPlugin
from steno.errors import NotFound, UnsafePath
from steno.plugins import Plugins

ROOT = Path(__file__).resolve().parents[2]
Import = Callable[[str, str], ModuleType]


@pytest.fixture
def import_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Import]:
    """Import a module that a page shows, as text; afterwards nothing knows of it."""
    names: list[str] = []

    def load(page: str, name: str) -> ModuleType:
        found = re.search(rf"^```python file={name}\.py\n(.*?)^```$", (ROOT / page).read_text("utf-8"), re.M | re.S)
        assert found, f"{page} shows no {name}.py"
        (tmp_path / f"{name}.py").write_text(found[1], "utf-8")
        monkeypatch.syspath_prepend(str(tmp_path))
        monkeypatch.delitem(sys.modules, name, raising=False)
        names.append(name)
        return importlib.import_module(name)

    yield load
    for name in names:
        sys.modules.pop(name, None)


def registered(module: ModuleType) -> Plugins:
    """A manager that knows this one plugin."""
    plugins = Plugins()
    assert plugins.register(module, module.__name__), plugins.failures
    return plugins


def test_steno_register_stores_opens_the_store_by_its_scheme(import_from: Import, tmp_path: Path) -> None:
    plugins = registered(import_from("plugins/README.md", "steno_blob"))
    uri = f"blob://{tmp_path}/artifacts.db"
    here, there = (plugins.stores.artifact_stores.open(f"{uri}/{folder}") for folder in ("1/a", "1/b"))
    here.put("plots/roc.txt", b"a curve")
    here.put("notes.txt", b"a note")
    assert here.open("plots/roc.txt").read() == b"a curve"
    assert [(file.path, file.is_dir, file.file_size) for file in here.list()] == [
        ("notes.txt", False, 6),
        ("plots", True, None),
    ]
    assert [file.path for file in here.list("plots")] == ["plots/roc.txt"]
    assert there.list() == []
    here.delete("plots")
    assert [file.path for file in here.list()] == ["notes.txt"]
    with pytest.raises(NotFound):
        here.open("plots/roc.txt")
    with pytest.raises(UnsafePath):
        here.put("../b/notes.txt", b"climbs")


def test_steno_register_flavors_finds_whose_model_it_is(import_from: Import, tmp_path: Path) -> None:
    from numpy.polynomial import Polynomial

    plugins = registered(import_from("plugins/README.md", "steno_polynomial"))
    model = Polynomial([1.0, -2.0, 0.5], domain=[0, 4])
    offer = plugins.flavors.owner_of(model)
    assert offer is not None
    flavor: Any = offer.load()
    info = flavor.save(model, tmp_path)
    assert flavor.untrusted(tmp_path, info.conf) == frozenset()
    loaded = flavor.load(tmp_path, info.conf, trusted=())
    assert loaded == model
    assert flavor.predict(loaded, 3.0, {}, info.conf) == model(3.0)
    assert plugins.flavors.owner_of("no model") is None


def test_steno_register_integrations_names_the_module_that_wakes_it(import_from: Import) -> None:
    import scipy.optimize

    plugins = registered(import_from("integrations/README.md", "steno_scipy"))
    offer = plugins.integrations.offers["scipy"]
    assert (offer.when, offer.requires) == ("scipy.optimize", "scipy>=1.11")
    integration: Any = offer.load()
    (patch,) = integration.patches(scipy.optimize)
    assert callable(getattr(scipy.optimize, patch.target))


def test_steno_run_tags_of_the_page_are_those_it_says(import_from: Import) -> None:
    plugins = registered(import_from("plugins/README.md", "steno_hosts"))
    tags = plugins.hooks.run_tags()
    assert set(tags) == {"hosts.name", "hosts.python"}
    assert all(tags.values())


def test_steno_register_commands_of_the_page_adds_one(import_from: Import) -> None:
    import click

    cli = click.Group()
    registered(import_from("plugins/README.md", "steno_hosts")).hooks.register_commands(cli)
    assert list(cli.commands) == ["hosts"]


def test_what_a_page_shows_of_keeping_a_model_is_what_steno_plugins_new_writes() -> None:
    written = render(NewPlugin("my_trainer", ("integration", "flavor")))["steno_my_trainer/autolog.py"]
    blocks = re.findall(r"^```python\n(.*?)^```$", (ROOT / "integrations/README.md").read_text("utf-8"), re.M | re.S)
    (shown,) = [block for block in blocks if "import copy" in block]
    for definition in re.split(r"\n\n\n", shown)[1:]:
        assert definition.strip() in written
