"""An import that hangs holds up nobody, and what arrives late is taken whole."""

from __future__ import annotations

import threading
import time

import pytest
from steno.errors import UnknownScheme
from steno.plugins import arrivals

GOOD = "@hookimpl\ndef steno_run_tags(): return {'good': '1'}"
FOR_EVER = "import threading\nthreading.Event().wait()"


@pytest.fixture
def gate():
    """What a plugin of this test waits for; it is let go at the end in any case."""
    event = arrivals.gate_of_a_test = threading.Event()  # where a plugin's source finds it
    yield event
    event.set()
    del arrivals.gate_of_a_test


WAITS = "from steno.plugins import arrivals\narrivals.gate_of_a_test.wait()\n"


@pytest.fixture
def short(monkeypatch):
    """Little patience, so that the tests are quick."""
    monkeypatch.setattr(arrivals, "ONE_S", 0.1)
    monkeypatch.setattr(arrivals, "ALL_S", 0.3)


def test_those_behind_one_that_hangs_are_loaded(site, gate, short):
    site.add("aaa_hangs", WAITS + GOOD.replace("good", "late"))
    site.add("zzz", GOOD)
    found = site.load()
    assert found.hooks.run_tags()["good"] == "1"
    state = site.state("aaa_hangs", found)
    assert state.state.startswith("failed: its import has taken")
    assert "STENO_BLOCK_PLUGINS=aaa_hangs" in state.remedy


def test_one_that_arrives_late_is_registered_whole(site, gate, short, wait):
    site.add(
        "late",
        WAITS
        + GOOD
        + """
@hookimpl
def steno_register_stores(register): register.artifacts("late", "plug_late:Store")
""",
    )
    found = site.load()
    assert "good" not in found.hooks.run_tags()
    told = []
    found.when_late.append(lambda: told.append(found.hooks.run_tags()["good"]))
    gate.set()
    wait(lambda: told)
    assert "late" in found.stores.artifact_stores.offers
    assert site.state("late", found).state == "active"


def test_one_that_fails_late_leaves_nothing(site, gate, short, wait):
    site.add("late", WAITS + GOOD + "\nraise RuntimeError('after all')\n")
    found = site.load()
    gate.set()
    wait(lambda: "late" in found.failures)
    assert site.state("late", found).state == "failed: RuntimeError: after all"
    assert "good" not in found.hooks.run_tags()


def test_a_hook_that_hangs_as_it_is_registered_holds_up_nobody_either(site, gate, short):
    site.add(
        "aaa_hangs",
        "@hookimpl\ndef steno_register_stores(register):\n    register.runs('half', 'a:b')\n    "
        + WAITS.replace("\n", "\n    "),
    )
    site.add("zzz", GOOD)
    found = site.load()
    assert found.hooks.run_tags()["good"] == "1"
    assert "half" not in found.stores.run_stores.offers


def test_many_that_hang_cost_no_more_than_a_moment(site, gate, short):
    for number in range(12):
        site.add(f"hangs{number}", WAITS)
    site.add("zzz", GOOD)
    began = time.monotonic()
    found = site.load()
    assert time.monotonic() - began < 5
    assert sum(state.state.startswith("failed: its import") for state in found.states()) >= 2


def test_those_behind_many_that_hang_come_in_the_end(site, gate, short, wait):
    for number in range(5):
        site.add(f"hangs{number}", WAITS)
    site.add("zzz", GOOD)
    found = site.load()
    wait(lambda: "good" in found.hooks.run_tags())


def test_a_store_that_is_asked_for_by_name_is_waited_for(site, gate, short):
    site.add(
        "late",
        WAITS + "@hookimpl\ndef steno_register_stores(register): register.runs('late', 'steno_sql.store:SqlStore')",
    )
    found = site.load()
    threading.Timer(0.2, gate.set).start()
    assert found.stores.run_stores.find("late://x").plugin == "late"
    with pytest.raises(UnknownScheme):
        found.stores.run_stores.find("other://x")


def test_a_gate_that_is_still_importing_is_not_passed_by(site, gate, short):
    from steno.errors import PluginError
    from steno.records import Batch

    site.add("redacts", WAITS + "@hookimpl\ndef steno_before_write(batch): raise ValueError('not without me')")
    found = site.load()
    threading.Timer(0.2, gate.set).start()
    with pytest.raises(PluginError, match="not without me"):
        found.hooks.before_write("r", Batch())


def test_a_plugin_that_asks_for_plugins_while_it_is_imported_does_not_wait_for_itself(site):
    site.add("asks", "from steno.plugins import plugins\nplugins()\nsteno.__getattr__\n" + GOOD)
    began = time.monotonic()
    done = site.run("import steno; r = steno.start_run(); print(r.run_id); steno.end_run()")
    assert done.stderr == ""
    assert time.monotonic() - began < 30
    assert site.state("asks").state == "active"


def test_a_plugin_in_the_package_that_is_being_imported_is_loaded(site):
    package = site.folder / "mine"
    package.mkdir()
    (package / "__init__.py").write_text("import steno\ntags = dict(steno.start_run().data.tags)\nsteno.end_run()\n")
    (package / "hooks.py").write_text("from steno.hookspecs import hookimpl\n" + GOOD)
    site.add("mine", "", value="mine.hooks")
    assert site.run("import mine; print(mine.tags.get('good'))").stdout == "1\n"


def test_an_integration_that_arrives_late_is_switched_on(site, tmp_path):
    site.module("fw", "def train(): return 1\n", "1.0")
    site.add(
        "late",
        """
        import time
        time.sleep(1.2)
        from steno.contracts.integration import Patch

        def advice(call):
            call.run.log_param("seen", 1)
            yield

        class I:
            name, modules = "late", ("fw",)
            def patches(self, module): return [Patch("train", advice)]

        integration = I()

        @hookimpl
        def steno_register_integrations(register):
            register("late", "plug_late:integration", when="fw", requires="fw>=1")
        """,
    )
    script = """
        import time, steno
        began = time.monotonic()
        steno.autolog()
        took = time.monotonic() - began
        assert took < 1.1, took
        import fw
        from steno.autolog.switch import states
        while states().get("late") != "active":
            assert time.monotonic() - began < 30
            time.sleep(0.02)
        fw.train()
        steno.flush()
        print(steno.search_runs(output_format="list")[0].data.params)
    """
    assert site.run(script).stdout == "{'seen': '1'}\n"


def test_a_forked_child_does_not_wait_for_what_never_comes(site):
    site.add("hangs", FOR_EVER)
    script = """
        import os, time, steno
        steno.start_run()
        steno.end_run()
        child = os.fork()
        if child == 0:
            began = time.monotonic()
            try:
                steno.set_tracking_uri("nothing://x")
            except steno.errors.UnknownScheme:
                pass
            os._exit(0 if time.monotonic() - began < 2 else 1)
        assert os.waitpid(child, 0)[1] == 0
    """
    site.run(script, STENO_EXIT_TIMEOUT_S="10")


@pytest.mark.slow
def test_a_training_among_broken_plugins_is_what_it_is_without_them(site, tmp_path):
    script = """
        import time
        began = time.monotonic()
        import steno
        steno.autolog()
        with steno.start_run() as run:
            took = time.monotonic() - began
            for step in range(100):
                steno.log_metric("loss", 1.0 / (step + 1), step=step)
        steno.flush()
        found = steno.Client().get_run(run.info.run_id)
        print(found.info.status, found.data.metrics["loss"])
        print(took, file=open("took", "w"))
    """
    plain = site.run(script)
    alone = float((tmp_path / "took").read_text())
    site.add("a_hangs", FOR_EVER)
    site.add("b_hangs_for_five_seconds", "import time\ntime.sleep(5)\n" + GOOD)
    site.add("c_raises", "raise RuntimeError('boom')")
    site.add("d_exits", "import sys\nsys.exit(7)")
    site.add("e_misspells", "@hookimpl\ndef steno_run_startd(run): pass")
    site.add("f_takes", "@hookimpl\ndef steno_register_stores(register): register.runs('sqlite', 'a:b')")
    site.add("g_observes", "@hookimpl\ndef steno_run_started(run): raise ValueError")
    site.add("h_tags", "@hookimpl\ndef steno_run_tags(): return [1]")
    site.add(
        "i_lies",
        "@hookimpl\ndef steno_register_integrations(register):\n"
        "    register('liar', 'plug_i_lies:nothing', when='json', requires='>>nonsense<<')",
    )
    broken = site.run(script)
    assert broken.stdout == plain.stdout == "FINISHED 0.01\n"
    assert float((tmp_path / "took").read_text()) < alone + 4, "of two that hang, one for five seconds"
    assert broken.seconds < 30
    for name in ("c_raises", "d_exits", "e_misspells", "f_takes", "g_observes", "h_tags"):
        assert f"'{name}'" in broken.stderr
