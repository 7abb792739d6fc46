"""`steno doctor` and `steno plugins` name every plugin's trouble, and tell what an integration really records here."""

from __future__ import annotations

import pytest

FRAMEWORK = """
class Trainer:
    def fit(self): return "fitted"
    def step(self): pass

_hooks = []

def register(hook):
    _hooks.append(hook)
    return lambda: _hooks.remove(hook)

def train(): return 1
print("a framework that talks as it is imported")
"""
PLUGIN = """
from steno.contracts.integration import Patch, Via

def advice(call):
    yield

def see(*args):
    pass

class I:
    name, modules = "watches", ("fw", "fw_extra", "json")
    def patches(self, module):
        if module.__name__ == "fw":
            yield Patch("Trainer.fit", advice, captures="params of a fit")
            yield Patch("train", advice, captures="params of a fit")
            yield Patch("Trainer.step", tap=see, captures="loss of each step")
            yield Patch("register", hook=see, captures="steps")
            yield Patch("Trainer.gone", advice, captures="checkpoints")
            yield Patch("_private", advice, captures="folds", optional=True)

integration = I()

@hookimpl
def steno_register_integrations(register):
    register(
        "watches", "plug_watches:integration", when="fw", requires="fw>=2,<4", options=("depth",), also=("watching",)
    )

@hookimpl
def steno_run_ended(run): pass
"""


@pytest.fixture
def watches(site):
    site.add("watches", PLUGIN)
    site.module("fw", FRAMEWORK, "3.1")
    return site


def finding(site, name, *words, status=0):
    return next(each for each in site.told("doctor", *words, status=status) if each["subject"] == f"integration {name}")


def test_the_version_found_and_the_range_are_told_without_an_import(watches):
    found = finding(watches, "watches", "--quick")
    assert found["state"] == "ok"
    assert found["detail"] == "fw 3.1 (<4,>=2): waiting for `import fw`"
    assert found["more"]["found"] == {"fw": "3.1"}
    shown = watches.steno("doctor", "--quick")
    assert "a framework that talks" not in shown.stdout + shown.stderr
    assert "Without --quick" in shown.stdout


def test_by_name_every_row_is_told_with_its_mechanism(watches):
    found = finding(watches, "watches", "watches")
    assert found["state"] == "note"
    assert "watched by 1 wrapper, 1 code swap, 1 tap, 1 hook; 2 rows are off" in found["detail"]
    rows = {row["target"]: row for row in found["more"]["rows"]}
    assert rows["fw.Trainer.fit"] == {
        "target": "fw.Trainer.fit",
        "state": "on",
        "captures": "params of a fit",
        "mechanism": "wrapper",
        "why": "",
    }
    mechanisms = {name: row["mechanism"] for name, row in rows.items() if row["state"] == "on"}
    assert mechanisms == {
        "fw.Trainer.fit": "wrapper",
        "fw.train": "code swap",
        "fw.Trainer.step": "tap",
        "fw.register": "hook",
    }
    off = {name: (row["captures"], row["why"]) for name, row in rows.items() if row["state"] == "off"}
    assert off == {
        "fw.Trainer.gone": ("checkpoints", "missing in this version"),
        "fw._private": ("folds", "missing in this version"),
    }
    assert list(found["more"]["absent"]) == ["fw_extra"]


def test_the_table_shows_what_is_captured_and_what_is_off(watches):
    shown = watches.steno("doctor", "watching").stdout
    assert "watches; its own options: depth" in shown
    assert "missing in this version" in shown
    assert "No module named 'fw_extra'" in shown
    assert "loss of each step" in shown
    assert "a framework that talks" not in shown


@pytest.mark.slow
def test_it_looks_into_all(watches, monkeypatch):
    monkeypatch.setenv("STENO_BLOCK_PLUGINS", "keras,lightning,pytorch,sklearn")
    found = {each["subject"]: each for each in watches.told("doctor")}
    assert "integration watches" in found
    assert found["integration xgboost"]["state"] == "ok"
    assert {row["captures"] for row in found["integration xgboost"]["more"]["rows"]} >= {"folds of `cv`"}
    assert found["plugin keras"]["detail"].startswith("blocked")


@pytest.mark.parametrize(
    ("version", "state", "detail", "remedy"),
    [
        ("", "note", "needs fw>=2,<4, which is not installed", "pip install 'fw>=2,<4'"),
        ("1.0", "note", "needs fw>=2,<4, found 1.0", "pip install 'fw>=2,<4'"),
        ("4.0", "note", "needs fw>=2,<4, found 4.0", "pip install 'fw>=2,<4'"),
    ],
)
def test_a_framework_that_is_missing_or_out_of_range_is_named_with_a_remedy(site, version, state, detail, remedy):
    site.add("watches", PLUGIN)
    if version:
        site.module("fw", FRAMEWORK, version)
    for words in (("--quick",), ("watches",)):
        found = finding(site, "watches", *words)
        assert (found["state"], found["detail"], found["remedy"]) == (state, detail, remedy)
    plugin = next(each for each in site.told("plugins") if each["name"] == "watches")
    assert (plugin["standing"], plugin["remedy"]) == (detail, remedy)


def test_a_range_that_cannot_be_read_is_a_problem_of_its_plugin(watches):
    source = PLUGIN.replace("fw>=2,<4", ">>fw<<").replace("watches", "liar")
    watches.add("liar", source)
    found = finding(watches, "liar", "--quick", status=1)
    assert found["detail"] == "its plugin requires '>>fw<<', which cannot be read"
    assert found["remedy"] == "update or uninstall plugin 'liar'"
    assert finding(watches, "liar", "liar", status=1)["state"] == "problem"


@pytest.mark.parametrize(
    ("framework", "detail"),
    [
        ("raise OSError('no driver')", "`import fw` fails: OSError: no driver"),
        ("import os\nos._exit(9)", "its process ended: exit status 9"),
        ("import time\ntime.sleep(60)", "was not ready after 6 s"),
    ],
)
def test_a_framework_that_cannot_be_imported_ends_nothing_but_its_own_process(site, framework, detail):
    site.add("watches", PLUGIN)
    site.module("fw", framework, "3.1")
    found = finding(site, "watches", "watches", "--timeout", "6", status=1)
    assert (found["state"], found["detail"]) == ("problem", detail)


def test_an_integration_that_is_broken_is_named(watches):
    watches.add(
        "broken",
        "@hookimpl\ndef steno_register_integrations(register):\n    register('broken', 'plug_broken:no', when='json')",
    )
    found = finding(watches, "broken", "broken", status=1)
    assert found["detail"].startswith("failed: PluginError: 'plug_broken:no' of plugin 'broken' cannot be loaded")
    assert "update plugin 'broken'" in found["remedy"]


def test_a_name_that_is_no_integration_is_refused_with_those_there_are(watches):
    assert "no integration is called 'nobody'; known: " in watches.steno("doctor", "nobody", status=1).stderr


def test_autologging_that_is_switched_off_is_told(watches, monkeypatch):
    monkeypatch.setenv("STENO_AUTOLOG_DISABLE", "1")
    found = {each["subject"]: each for each in watches.told("doctor", "--quick")}
    assert found["autologging"]["remedy"] == "unset STENO_AUTOLOG_DISABLE"
    assert finding(watches, "watches", "watches")["more"]["rows"], "looked into all the same"


def test_plugins_tell_everything_they_offer(watches):
    watches.add(
        "brings",
        """
        import click

        @hookimpl
        def steno_register_stores(register):
            register.runs("mine", "a:b")
            register.artifacts("mine", "a:b")

        @hookimpl
        def steno_register_commands(cli):
            cli.add_command(click.Command("brought"))

        @hookimpl
        def steno_run_tags(): return {}
        """,
    )
    watches.add("empty", "")
    told = {each["name"]: each for each in watches.told("plugins")}
    assert told["brings"]["commands"] == ["brought"]
    assert told["brings"]["hooks"] == ["steno_register_commands", "steno_register_stores", "steno_run_tags"]
    assert [(offer["kind"], offer["name"]) for offer in told["brings"]["offers"]] == [
        ("run store", "mine"),
        ("artifact store", "mine"),
    ]
    assert told["watches"]["standing"] == "waiting for `import fw`"
    shown = watches.steno("plugins").stdout
    assert "run store mine:; artifact store mine:; command brought; hooks run_tags" in shown
    assert "autologging watches (also watching); hooks run_ended" in shown
    empty = next(each for each in watches.told("doctor", "--quick") if each["subject"] == "plugin empty")
    assert (empty["state"], empty["detail"]) == ("note", "steno-empty 2.5 implements no hook")


def test_failed_plugins_are_shown_by_both_with_the_remedy(site):
    site.add("hangs", "import threading\nthreading.Event().wait()")
    site.add("raises", "raise RuntimeError('boom')")
    site.add(
        "usurps",
        """
        import click

        @hookimpl
        def steno_register_commands(cli):
            cli.add_command(click.Command("harmless"))
            cli.add_command(click.Command("runs"))
        """,
    )
    told = {each["name"]: each for each in site.told("plugins")}
    assert told["raises"]["standing"] == "failed: RuntimeError: boom"
    assert told["hangs"]["standing"].startswith("failed: its import has taken 1.")
    assert "the command 'runs' is taken" in told["usurps"]["standing"]
    assert told["usurps"]["commands"] == []
    for name in ("hangs", "raises", "usurps"):
        assert f"STENO_BLOCK_PLUGINS={name}" in told[name]["remedy"]
        assert name in site.steno("plugins").stdout
    found = {each["subject"]: each for each in site.told("doctor", "--quick", status=1)}
    assert {found["plugin hangs"]["state"], found["plugin raises"]["state"]} == {"problem"}
    assert "steno-raises 2.5" in found["plugin raises"]["remedy"]
    site.steno("runs", "--help")
