"""A hook point that a version of the framework lacks switches off one capability, with one warning."""

from __future__ import annotations

import pytest

FRAMEWORK = """
class Trainer:
    def fit(self): return "fitted"

def produce():
    yield 1
"""
PLUGIN = """
from steno.contracts.integration import Patch, Via

def params(call):
    call.run.log_param("seen", 1)
    yield

def nothing(call):
    yield

class I:
    name, modules = "watches", ("fw",)
    def patches(self, module):
        yield Patch("Trainer.fit", params, captures="params of a fit")
        yield Patch("Trainer.gone", nothing, captures="loss of each step")
        yield Patch("renamed.deeply.away", nothing, captures="checkpoints")
        yield Patch("produce", nothing, captures="batches")
        yield Patch("private", nothing, captures="folds", optional=True)
        yield {extra}

integration = I()

@hookimpl
def steno_register_integrations(register):
    register("watches", "plug_watches:integration", when="fw", requires={requires!r})
"""
SCRIPT = """
import logging, steno
steno.autolog()
import fw
print(fw.Trainer().fit())
steno.autolog(disable=True)
steno.autolog()
print(fw.Trainer().fit())
steno.flush()
for run in steno.search_runs(output_format="list"):
    print(run.data.params, run.data.tags.get("steno.not_captured"))
"""


@pytest.fixture
def framework(site):
    site.module("fw", FRAMEWORK, "3.1")

    def install(requires="fw>=2", extra="Patch('Trainer.fit', nothing, optional=True)"):
        site.add("watches", PLUGIN.format(requires=requires, extra=extra))

    return install


def test_it_is_said_once_and_told_by_the_run_and_training_is_untouched(site, framework):
    framework()
    done = site.run(SCRIPT)
    lines = done.stdout.splitlines()
    assert lines[:2] == ["fitted", "fitted"]
    assert len(lines) == 4
    for line in lines[2:]:
        assert line.startswith("{'seen': '1'} watches with fw 3.1: loss of each step (fw.Trainer.gone: missing); ")
        assert "checkpoints (fw.renamed.deeply.away: missing)" in line
        assert "batches (fw.produce: PluginError: produce is a generator" in line
        assert "folds" not in line
    assert done.stderr.count("\n") == 1, done.stderr
    assert "watches with fw 3.1: not captured: loss of each step (fw.Trainer.gone: missing); checkpoints" in done.stderr
    assert "training and all else that is recorded go on" in done.stderr


def test_the_run_of_the_users_own_tells_it_too(site, framework):
    framework()
    script = """
        import steno
        steno.autolog(silent=True)
        import fw
        with steno.start_run() as run:
            fw.Trainer().fit()
        steno.flush()
        print(steno.Client().get_run(run.info.run_id).data.tags["steno.not_captured"])
    """
    done = site.run(script)
    assert done.stdout.startswith("watches with fw 3.1: loss of each step")
    assert done.stderr == "", "silent"


def test_a_row_that_is_none_spoils_no_other(site, framework):
    framework(extra="'no patch at all'")
    done = site.run(SCRIPT)
    assert done.stdout.splitlines()[2].startswith("{'seen': '1'}")
    assert "PluginError: str is no Patch" in done.stderr


def test_a_range_that_cannot_be_read_leaves_the_framework_alone(site, framework):
    framework(requires=">>nonsense<<")
    done = site.run(SCRIPT)
    assert done.stdout.splitlines() == ["fitted", "fitted"]
    assert "watches is not watched: its plugin requires '>>nonsense<<', which cannot be read" in done.stderr


def test_a_framework_without_a_distribution_is_judged_by_its_own_version(site, framework):
    site.module("bare", "__version__ = '1.5'\nclass Trainer:\n    def fit(self): return 1\n")
    source = PLUGIN.replace("fw", "bare").format(requires="bare>=1.2", extra="Patch('Trainer.fit', nothing)")
    site.add("watches", source)
    script = (
        "import steno; steno.autolog(silent=True); import bare; bare.Trainer().fit(); print(steno.last_active_run())"
    )
    assert site.run(script).stdout != "None\n"
    site.module("bare", "__version__ = '1.1'\nclass Trainer:\n    def fit(self): return 1\n")
    assert site.run(script).stdout == "None\n"


@pytest.mark.parametrize("ends", ["raise RuntimeError('boom')", "import sys\nsys.exit(3)", "x ="])
def test_an_integration_that_fails_to_import_does_not_break_the_users_import(site, ends):
    site.module("fw", FRAMEWORK, "3.1")
    site.module("broken_autolog", ends)
    site.add(
        "watches",
        "@hookimpl\ndef steno_register_integrations(register):\n"
        "    register('watches', 'broken_autolog:integration', when='fw')\n",
    )
    done = site.run("import steno; steno.autolog(); import fw; print(fw.Trainer().fit())")
    assert done.stdout == "fitted\n"
    assert "recording of fw (watches) failed and was contained" in done.stderr
