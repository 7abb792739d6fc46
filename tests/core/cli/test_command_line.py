"""The command line as a whole: what it loads, how it fails, and what plugins may add."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

import click
import pytest
import steno as library
from steno.cli import root
from steno.cli.models.command import models
from steno.hookspecs import hookimpl
from steno.plugins import plugins

HEAVY = {"rich", "sqlalchemy", "msgspec", "pluggy", "importlib.metadata", "sqlite3"}
LOADED = """
import sys
from steno.cli import main
sys.argv = ["steno", *{words!r}]
try:
    main()
except SystemExit as end:
    print(end.code, *sorted(set(sys.modules) & {heavy!r}), file=sys.stderr)
"""


def loaded(*words):
    code = LOADED.format(words=list(words), heavy=HEAVY)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    status, *modules = done.stderr.splitlines()[-1].split()
    return int(status), set(modules)


@pytest.mark.parametrize(
    ("words", "status"),
    [(["runs", "--help"], 0), (["runs", "list", "-h"], 0), (["--version"], 0), (["gc", "--nope"], 2), (["runs"], 2)],
)
def test_help_and_usage_errors_load_nothing_heavy(words, status):
    assert loaded(*words) == (status, set())


def test_the_table_of_contents_loads_plugins_but_no_store_and_no_rich():
    status, modules = loaded("--help")
    assert status == 0
    assert modules.isdisjoint({"rich", "sqlalchemy", "sqlite3"})


def test_the_console_script_ends_with_the_right_status(tmp_path):
    script = [sys.executable, "-c", "from steno.cli import main; main()"]
    version = subprocess.run([*script, "--version"], capture_output=True, text=True, timeout=60, check=True)
    assert version.stdout == f"steno {library.__version__}\n"
    missing = subprocess.run([*script, "runs", "list"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (missing.returncode, missing.stdout, missing.stderr.count("\n")) == (1, "", 1)
    assert missing.stderr.startswith("Error: there is no store at")


def leaves(command, *words):
    if not isinstance(command, click.Group):
        return [words]
    return [each for name, child in command.commands.items() for each in leaves(child, *words, name)]


@pytest.mark.parametrize("name", list(root.COMMANDS))
def test_every_command_has_help_and_the_shared_options(steno, name):
    for words in leaves(root.steno.get_command(click.Context(root.steno), name), name):
        text = steno(*words, "--help").stdout
        assert "--json" in text
        assert "--tracking-uri" in text


def test_short_help_is_never_cut_off(steno):
    for words in [(), ("runs",), ("experiments",), ("artifacts",)]:
        assert "..." not in steno(*words, "--help").stdout.partition("Commands:")[2]


def test_an_unknown_command_is_a_usage_error(steno):
    assert "No such command 'nope'" in steno("nope", status=2).stderr


class Greeter:
    """A plugin with a command."""

    @hookimpl
    def steno_register_commands(self, cli):
        @cli.command()
        def greet():
            """Say hello."""
            click.echo("hello")


class Usurper:
    """A plugin that wants one of our names."""

    @hookimpl
    def steno_register_commands(self, cli):
        cli.add_command(click.Command("runs", callback=lambda: click.echo("mine now")))


class Grader:
    """A plugin with a command for models."""

    @hookimpl
    def steno_register_model_commands(self, models):
        @models.command()
        def grade():
            """Give a mark."""
            click.echo("A")


class ModelUsurper:
    """A plugin that wants the name of a command for models."""

    @hookimpl
    def steno_register_model_commands(self, models):
        models.add_command(click.Command("list", callback=lambda: click.echo("mine now")))


@pytest.fixture
def plugged(monkeypatch):
    """Register a plugin for one test."""
    names = []

    def register(plugin):
        monkeypatch.setattr(root.steno, "commands", {})
        monkeypatch.setattr(root.steno, "_asked_plugins", False)
        # Its own alone: those of plugins that were asked before are asked again, and would find their names taken.
        theirs = {word for words in plugins().hooks.commands.values() for word in words}
        own = {name: command for name, command in models.commands.items() if f"models {name}" not in theirs}
        monkeypatch.setattr(models, "commands", own)
        monkeypatch.setattr(models, "_asked_plugins", False)
        names.append(type(plugin).__name__)
        assert plugins().register(plugin, names[-1])

    yield register
    for name in names:
        plugins().unregister(name)
        plugins().failures.pop(name, None)


def test_a_plugin_adds_a_command(steno, plugged):
    plugged(Greeter())
    assert steno("greet").stdout == "hello\n"
    assert "greet" in steno("--help").stdout


def test_steno_register_model_commands_adds_to_steno_models(steno, plugged):
    plugged(Grader())
    assert steno("models", "grade").stdout == "A\n"
    assert "Give a mark." in steno("models", "--help").stdout
    assert "models grade" in plugins().hooks.commands["Grader"]


def test_a_plugin_cannot_replace_a_command_for_models(steno, plugged):
    plugged(ModelUsurper())
    steno("models", "--help")
    assert "mine now" not in steno("models", "list", "--help").stdout
    assert "'list' is taken" in plugins().failures["ModelUsurper"]


def test_a_plugin_cannot_replace_a_command(steno, plugged, caplog):
    plugged(Usurper())
    assert "mine now" not in steno("runs", "--help").stdout
    steno("--help")
    assert "'runs' is taken" in plugins().failures["Usurper"]
    assert "Usurper" in caplog.text


def test_a_reader_that_goes_away_is_no_error(steno, seeded):
    code = "from steno.cli import main; main()"
    command = f"{sys.executable} -c '{code}' runs export --history | head -c 1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60, check=True)
    assert (done.stdout, "Traceback" in done.stderr) == ("[", False)


def test_a_terminal_without_our_signs_gets_others(seeded):
    command = [sys.executable, "-c", "from steno.cli import main; main()", "runs", "show"]
    environ = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(command, env=environ, capture_output=True, timeout=60, check=True)
    assert done.stdout.isascii()
    assert b"third" in done.stdout


PROGRESS = """
import time
from steno.cli.progress import progress
with progress("counting sheep", total=3, delay_s={delay}) as advance:
    for sheep in range(3):
        time.sleep(0.1)
        advance(1)
"""


def on_a_terminal(code):
    """What a program writes to a terminal."""
    master, slave = pty.openpty()
    environ = {**os.environ, "TERM": "xterm"}
    child = subprocess.Popen([sys.executable, "-c", code], stdout=slave, stderr=slave, env=environ)
    os.close(slave)
    written = b""
    try:
        while chunk := os.read(master, 4096):
            written += chunk
    except OSError:  # a terminal without writers reads as an error
        pass
    os.close(master)
    assert child.wait(timeout=60) == 0
    return written.decode()


def test_progress_shows_only_what_takes_long_and_only_on_a_terminal(capfd):
    assert "counting sheep" in on_a_terminal(PROGRESS.format(delay=0.05))
    assert on_a_terminal(PROGRESS.format(delay=60)) == ""
    subprocess.run([sys.executable, "-c", PROGRESS.format(delay=0.01)], timeout=60, check=True)
    assert capfd.readouterr() == ("", "")
