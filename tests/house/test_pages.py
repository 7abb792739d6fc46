"""What the pages show works: code blocks run, commands exist, links lead somewhere, tables agree with the code."""

from __future__ import annotations

import re
import shlex
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from steno.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
PAGES = (
    "README.md",
    "CONTRIBUTING.md",
    "core/README.md",
    "plugins/README.md",
    "plugins/HOOKS.md",
    "plugins/PROTOCOLS.md",
    "plugins/MODELS.md",
    "plugins/TESTING.md",
    "integrations/README.md",
    "integrations/PROTOCOLS.md",
    "examples/third_party_plugin/README.md",
)
FENCE = re.compile(r"^```(?P<language>\w*)(?: file=(?P<file>\S+))?\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
each_page = pytest.mark.parametrize("page", [page for page in PAGES if (ROOT / page).exists()])


@dataclass(frozen=True)
class Block:
    """A fenced block of a page; one with a file name is written to that file, any other of Python is run."""

    line: int
    language: str
    file: str | None
    text: str


def blocks(page: str) -> Iterator[Block]:
    """The fenced blocks of a page, in order."""
    content = (ROOT / page).read_text("utf-8")
    for match in FENCE.finditer(content):
        line = content.count("\n", 0, match.start()) + 2
        yield Block(line, match["language"], match["file"], match["text"])


def commands(block: Block) -> list[list[str]]:
    """The commands of a console block, as words."""
    lines = block.text.replace("\\\n", " ").splitlines()
    return [shlex.split(line[2:], comments=True) for line in lines if line.startswith("$ ")]


def targets() -> set[str]:
    """The targets of the Makefile."""
    return set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))


def check_without_running(command: list[str], page: str) -> bool:
    """Judge a command that sets up or is costly; False for one that can simply be run."""
    match command:
        case ["make", *words]:
            unknown = {word for word in words if "=" not in word} - targets()
            assert not unknown, f"{page}: the Makefile has no target {unknown}"
        case ["git", "clone", *_] | ["cd", *_]:
            pass
        case ["pip", "install", what, *_] if what != ".":
            extras = re.search(r"\[(.+)\]", what)
            known = set(_pyproject()["project"]["optional-dependencies"])
            assert set(extras[1].split(",") if extras else ()) <= known, f"{page}: {what}: known extras are {known}"
            assert (ROOT / what.partition("[")[0]).exists(), f"{page}: {what} is not in the tree"
        case [program, *arguments] if program.startswith(".venv/bin/"):
            assert (Path(sys.executable).parent / Path(program).name).exists(), f"{page}: {program} is not installed"
            paths = [word for word in arguments if "/" in word]
            assert all((ROOT / path).exists() for path in paths), f"{page}: not in the tree: {paths}"
        case _:
            return False
    return True


def _pyproject() -> dict[str, Any]:
    import tomllib

    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def serve_for_a_moment(command: list[str], installed: Any, folder: Path) -> None:
    """Start a server as it says, but at a free port; let it answer once, and end it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    words = [port if before == "--port" else word for before, word in zip(["", *command], command, strict=False)]
    assert port in words
    process = subprocess.Popen(words, cwd=folder, env=installed.environ(), stderr=subprocess.PIPE)
    try:
        for _ in range(200):
            assert process.poll() is None, process.communicate()[1].decode()
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as answer:
                    assert answer.status == 200
                break
            except OSError:
                time.sleep(0.1)
        else:
            pytest.fail(f"{shlex.join(command)} answers nobody")
    finally:
        process.terminate()
        process.communicate(timeout=30)


@pytest.mark.slow
@pytest.mark.timeout(300)
@each_page
def test_every_block_of_a_page_runs(page: str, installed: Any, tmp_path: Path) -> None:
    if page.startswith("examples/"):
        installed.install(ROOT / Path(page).parent)
    for block in blocks(page):
        if block.file:
            (tmp_path / block.file).write_text(block.text, "utf-8")
        elif block.language == "python":
            script = tmp_path / f"block_at_line_{block.line}.py"
            script.write_text(block.text, "utf-8")
            installed.python("-W", "error::DeprecationWarning:__main__", script, cwd=tmp_path)
        elif block.language == "console":
            for command in commands(block):
                if command[:2] == ["steno", "server"] or command[:3] == ["steno", "models", "serve"]:
                    serve_for_a_moment(command, installed, tmp_path)
                elif not check_without_running(command, page):
                    installed.run(*command, cwd=tmp_path)


@each_page
def test_every_block_says_its_language(page: str) -> None:
    fences = re.findall(r"^```.*$", (ROOT / page).read_text("utf-8"), re.MULTILINE)
    assert len(fences) == 2 * len(list(blocks(page))), "a fence is not closed, or opened oddly"
    assert [block.line for block in blocks(page) if not block.language] == []


@each_page
def test_every_block_of_python_is_written_as_the_house_writes(page: str) -> None:
    for block in blocks(page):
        if block.language == "python":
            for check in (["format", "--check"], ["check", "--ignore", "I002,INP,T20,ANN,N"]):
                command = [sys.executable, "-m", "ruff", *check, "--no-cache", "--stdin-filename", "block.py", "-"]
                done = subprocess.run(
                    command, cwd=ROOT, input=block.text, capture_output=True, text=True, timeout=60, check=False
                )
                assert done.returncode == 0, f"{page}:{block.line}\n{done.stdout}{done.stderr}"


@each_page
def test_a_module_on_a_page_is_under_100_lines(page: str) -> None:
    assert [block.file for block in blocks(page) if block.file and block.text.count("\n") >= 100] == []


@each_page
def test_every_console_block_shows_a_command(page: str) -> None:
    assert [block.line for block in blocks(page) if block.language == "console" and not commands(block)] == []


def _anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


@each_page
def test_every_link_leads_somewhere(page: str) -> None:
    content = FENCE.sub("", (ROOT / page).read_text("utf-8"))
    for target in re.findall(r"\]\(([^)\s]+)\)", content):
        path, _, anchor = target.partition("#")
        if "://" in target:
            continue
        linked = (ROOT / page).parent / path if path else ROOT / page
        assert linked.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.+)$", FENCE.sub("", linked.read_text("utf-8")), re.MULTILINE)
            assert anchor in map(_anchor, headings), target


def test_the_settings_table_is_complete_and_true() -> None:
    content = (ROOT / "README.md").read_text("utf-8")
    rows = dict(re.findall(r"^\| `STENO_(\w+)` \| (.*?) \|", content, re.MULTILINE))
    defaults = {name.upper(): default for name, default in _defaults().items()}
    assert rows == {name: _shown(default) for name, default in defaults.items()}


def _defaults() -> dict[str, Any]:
    settings = Settings()
    return {name: getattr(settings, name) for name in Settings.__struct_fields__}


def _shown(default: Any) -> str:
    if default is None or default == "":
        return "\N{EN DASH}"
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


def test_the_changelog_is_kept() -> None:
    content = (ROOT / "CHANGELOG.md").read_text("utf-8")
    headings = re.findall(r"^## (.+)$", content, re.MULTILINE)
    assert headings[0] == "[Unreleased]"
    kinds = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    assert set(re.findall(r"^### (.+)$", content, re.MULTILINE)) <= kinds
    released = [
        heading for heading in headings[1:] if not re.fullmatch(r"\[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d", heading)
    ]
    assert released == []
