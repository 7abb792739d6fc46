"""The files of a new plugin, made from the templates in `steno/scaffold`, and written whole or not at all."""

from __future__ import annotations

import shutil
import tempfile
from importlib.resources import files
from pathlib import Path
from string import Template

from steno import __version__
from steno.cli.new_plugin_names import NewPlugin
from steno.errors import AlreadyExists, NotFound

REGISTERS = {"flavor": "FlavorRegister", "integration": "IntegrationRegister", "store": "StoreRegister"}
MODULES = {"integration": "autolog", "flavor": "flavor", "store": "store", "observer": "observer", "command": "command"}


def write(plugin: NewPlugin, folder: Path) -> list[str]:
    """Write the distribution, and return its files as paths within it.

    Raises:
        AlreadyExists: The folder is there.
        NotFound: The folder it would lie in is not.
        OSError: It cannot be written; nothing is left of it.
    """
    if folder.exists() or folder.is_symlink():
        raise AlreadyExists(f"{folder} is already there; name another place with --folder, or take it away")
    if not folder.parent.is_dir():
        raise NotFound(f"there is no folder {folder.parent} to write {folder.name} into; make it first")
    texts = render(plugin)
    # Written beside its place and renamed, so that an error halfway leaves nothing.
    scratch = Path(tempfile.mkdtemp(prefix=f".{plugin.distribution}-", dir=folder.parent))
    try:
        made = scratch / "new"
        for name, text in texts.items():
            path = made / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        made.rename(folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return list(texts)


def render(plugin: NewPlugin) -> dict[str, str]:
    """Return the text of every file by its path."""
    words, told = _words(plugin), _conditions(plugin)
    return {target: _filled(source, words, told) for target, source in _sources(plugin).items()}


def _sources(plugin: NewPlugin) -> dict[str, str]:
    """The template of each file."""
    package = plugin.package
    found = {
        "pyproject.toml": "pyproject.toml",
        "README.md": "README.md",
        f"{package}/__init__.py": "package/__init__.py",
    }
    for kind in plugin.kinds:
        module = MODULES[kind]
        found[f"{package}/{module}.py"] = f"package/{module}.py"
        found[f"tests/test_{module}.py"] = f"tests/test_{module}.py"
    if plugin.trains:
        found[f"tests/{plugin.standin}.py"] = "tests/standin.py"
    return dict(sorted(found.items(), key=lambda item: (item[0].count("/"), item[0])))


def _words(plugin: NewPlugin) -> dict[str, str]:
    words = "".join(word.capitalize() for word in plugin.name.split("_"))
    needs = [f"steno>={__version__}", *filter(None, [plugin.requires])]
    needs += ["click>=8.1"] if "command" in plugin.kinds else []
    tests = ["pytest>=8", *(["numpy>=1.26"] if plugin.trains else [])]
    return {
        "name": plugin.name,
        "scheme": plugin.dashed,
        "distribution": plugin.distribution,
        "package": plugin.package,
        "standin": plugin.standin,
        "framework": plugin.framework,
        "requires": plugin.requires,
        "packages": plugin.framework.partition(".")[0] or "numpy",
        "brings": plugin.brings,
        "title": plugin.dashed,
        "classname": f"{words}Integration",
        "flavorclass": f"{words}Flavor",
        "captures": ", the model" if "flavor" in plugin.kinds else "",
        "registers": ", ".join(register for kind, register in REGISTERS.items() if kind in plugin.kinds),
        "dependencies": ", ".join(f'"{need}"' for need in needs),
        "test_dependencies": ", ".join(f'"{need}"' for need in tests),
    }


def _conditions(plugin: NewPlugin) -> set[str]:
    told = set(plugin.kinds)
    told |= {"trains"} if plugin.trains else set()
    told |= {"real"} if plugin.framework else {"unnamed"}
    told |= set() if "flavor" in told else {"alone"}
    told |= {"registers"} if told & set(REGISTERS) else set()
    told |= {"offers"} if told & {"registers", "command"} else set()
    return told


def _filled(source: str, words: dict[str, str], told: set[str]) -> str:
    """Fill a template: `$word` everywhere, and lines between `#if condition` and `#end` only where that is told."""
    text = (files("steno") / "scaffold" / f"{source}.txt").read_text("utf-8")
    kept: list[str] = []
    conditions: list[bool] = []
    for line in text.splitlines():
        if line.startswith("#if "):
            conditions.append(line.removeprefix("#if ") in told)
        elif line == "#end":
            conditions.pop()
        elif all(conditions):
            kept.append(line)
    return Template("\n".join(kept).strip("\n") + "\n").substitute(words)
