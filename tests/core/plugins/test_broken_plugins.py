"""A plugin that is broken is set aside by name, with a remedy, and all else goes on."""

from __future__ import annotations

import logging

import pytest
from steno.errors import PluginError
from steno.records import Batch

GOOD = """
@hookimpl
def steno_run_tags():
    return {"good": "1"}
"""

AT_IMPORT = {
    "any error": ("raise RuntimeError('boom')", "RuntimeError: boom"),
    "an error without text": ("raise KeyError", "KeyError"),
    "an error that cannot be shown": (
        "class Bad(Exception):\n    def __str__(self):\n        raise ValueError\nraise Bad",
        "Bad: it cannot be shown",
    ),
    "a missing package": ("import no_such_package_here", "ModuleNotFoundError: No module named"),
    "a broken extension module": (
        "raise ImportError('libfoo.so.3: cannot open shared object file')",
        "ImportError: libfoo.so.3: cannot open shared object file",
    ),
    "bad syntax": ("def f(:", "SyntaxError"),
    "the end of the process": ("import sys\nsys.exit(3)", "SystemExit: 3"),
    "Ctrl-C": ("raise KeyboardInterrupt", "KeyboardInterrupt"),
    "an exception of its own kind": ("class Odd(BaseException): pass\nraise Odd('odd')", "Odd: odd"),
    "a warning that is an error": ("import warnings\nwarnings.warn('old', DeprecationWarning)", "DeprecationWarning"),
    "endless recursion": ("def f():\n    f()\nf()", "RecursionError"),
}

AS_REGISTERED = {
    "a misspelled hook": (
        "@hookimpl\ndef steno_run_startd(run): pass",
        "unknown hook 'steno_run_startd'; did you mean 'steno_run_started'?",
    ),
    "an argument that is not there": ("@hookimpl\ndef steno_run_started(ran): pass", "ran"),
    "a hook that is not marked": ("def steno_run_tags(): return {}", "not marked with steno.hookimpl"),
    "an old wrapper": (
        "@hookimpl(hookwrapper=True)\ndef steno_run_tags():\n    yield",
        "a wrapper of other plugins, which steno does not have",
    ),
    "a new wrapper": (
        "@hookimpl(wrapper=True)\ndef steno_run_tags():\n    return (yield)",
        "a wrapper of other plugins",
    ),
    "a generator": ("@hookimpl\ndef steno_run_tags():\n    yield {}", "a generator or coroutine function"),
    "a coroutine": ("@hookimpl\nasync def steno_run_started(run): pass", "a generator or coroutine function"),
    "a taken scheme": (
        "@hookimpl\ndef steno_register_stores(register): register.runs('sqlite', 'a:b')",
        "'sqlite' is already offered by plugin 'sql'",
    ),
    "a taken flavor": (
        "@hookimpl\ndef steno_register_flavors(register): register('sklearn', 'a:b')",
        "flavor 'sklearn' is already offered by plugin 'sklearn'",
    ),
    "models that another keeps": (
        "@hookimpl\ndef steno_register_flavors(register): register('mine', 'a:b', owns=('sklearn',))",
        "models of sklearn are kept by flavor 'sklearn' of plugin 'sklearn' already",
    ),
    "a taken integration": (
        "@hookimpl\ndef steno_register_integrations(register): register('xgboost', 'a:b', when='xgboost')",
        "integration 'xgboost' is already offered by plugin 'xgboost'",
    ),
    "a taken name of a namespace": (
        "@hookimpl\ndef steno_register_integrations(register):\n"
        "    register('x', 'a:b', when='x', also=('lightning',), names={'StenoLogger': 'a:b'})",
        "steno.lightning.StenoLogger is brought by plugin 'lightning' already",
    ),
    "a name that every namespace has": (
        "@hookimpl\ndef steno_register_integrations(register):\n"
        "    register('x', 'a:b', when='x', names={'autolog': 'a:b'})",
        "steno.x.autolog is taken",
    ),
    "an option that all integrations have": (
        "@hookimpl\ndef steno_register_integrations(register):\n"
        "    register('x', 'a:b', when='x', options=('log_models',))",
        "'log_models' is an option of every integration",
    ),
    "text where names belong": (
        "@hookimpl\ndef steno_register_flavors(register): register('x', 'a:b', owns='torch')",
        "owns is a tuple of names, not 'torch'",
    ),
    "an object where an address belongs": (
        "@hookimpl\ndef steno_register_flavors(register): register('x', object)",
        "address is text",
    ),
    "an address that is none": (
        "@hookimpl\ndef steno_register_flavors(register): register('x', 'no colon')",
        "not of the form 'module:attribute'",
    ),
    "a name that is none": (
        "@hookimpl\ndef steno_register_flavors(register): register('my flavor', 'a:b')",
        "a name is a Python name",
    ),
    "no module to wait for": (
        "@hookimpl\ndef steno_register_integrations(register): register('x', 'a:b', when=' | ')",
        "when=' | ' is no module",
    ),
    "a call that does not fit": (
        "@hookimpl\ndef steno_register_integrations(register): register('x')",
        "TypeError",
    ),
    "the end of the process": (
        "import sys\n@hookimpl\ndef steno_register_stores(register): sys.exit('bye')",
        "SystemExit: bye",
    ),
}


@pytest.mark.parametrize("case", [*AT_IMPORT, *AS_REGISTERED])
def test_what_is_broken_is_set_aside_with_its_reason_and_a_remedy(site, case, caplog):
    source, reason = {**AT_IMPORT, **AS_REGISTERED}[case]
    site.add("alpha", GOOD.replace("good", "alpha"))
    site.add("culprit", source)
    site.add("zeta", GOOD)
    found = site.load()
    state = site.state("culprit", found)
    assert state.state.startswith("failed: ")
    assert reason in state.state
    assert state.offers == ()
    assert "steno-culprit 2.5" in state.remedy
    assert "STENO_BLOCK_PLUGINS=culprit" in state.remedy
    assert "plugin 'culprit' is set aside" in caplog.text
    assert {"alpha": "1", "good": "1"}.items() <= found.hooks.run_tags().items()
    assert {one.state for one in found.states() if one.name != "culprit"} == {"active"}


def test_what_a_failed_plugin_offered_before_it_failed_is_taken_back(site):
    site.add(
        "half",
        """
        @hookimpl
        def steno_register_stores(register):
            register.runs("half", "plug_half:Store")
            register.runs("sqlite", "plug_half:Store")
        """,
    )
    found = site.load()
    assert "half" not in found.stores.run_stores.offers
    assert found.stores.run_stores.offers["sqlite"].plugin == "sql"


def test_a_plugin_of_a_name_that_ships_here_takes_nothing_away(site):
    site.add("sql", GOOD)
    site.add("aaa", "@hookimpl\ndef steno_register_stores(register): register.runs('sqlite', 'a:b')")
    found = site.load()
    states = {state.name: state.state for state in found.states()}
    assert states["sql"] == "active"
    assert "the name 'sql' is taken by 'steno_sql' of steno; rename one of them" in states["sql (plug_sql)"]
    assert found.stores.run_stores.offers["sqlite"].plugin == "sql"


def test_one_module_under_two_names_is_registered_once(site):
    site.add("twice", GOOD, entry_points="[steno]\nonce = plug_twice\ntwice = plug_twice\n")
    found = site.load()
    assert site.state("once", found).state == "active"
    assert "the same module is the plugin 'once'" in site.state("twice", found).state
    assert found.hooks.run_tags()["good"] == "1"


def test_a_name_that_is_registered_again_leaves_the_first_alone(site):
    site.add("good", GOOD)
    found = site.load()
    assert not found.register(object(), "good")
    assert found.hooks.run_tags()["good"] == "1"


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("plug_odd:nothing", "AttributeError"),
        ("plug_odd:Kind", "a plugin is a module or an object, not a class"),
        ("plug_odd:none", "not None"),
        ("plug_odd:", "is no entry point"),
        ("!?", "is no entry point"),
    ],
)
def test_an_entry_point_that_leads_to_no_plugin_is_a_failure(site, value, reason):
    site.add("odd", "class Kind: pass\nnone = None\n", value=value)
    assert reason in site.state("odd").state


def test_a_hook_for_a_later_steno_is_no_failure_if_it_says_so(site):
    site.add("modern", GOOD + "\n@hookimpl(optionalhook=True)\ndef steno_of_tomorrow(x): pass\n")
    assert site.state("modern").state == "active"


def test_a_distribution_with_damaged_metadata_breaks_nothing(site):
    site.add("good", GOOD)
    site.add("damaged", GOOD.replace("good", "damaged"), metadata="\0\0 not metadata")
    site.add("lines", GOOD, entry_points="no section\n[steno\n[steno]\nthis is no line\nlines = plug_lines\n[x]\ny\n")
    (site.folder / "empty-1.0.dist-info").mkdir()
    (site.folder / "bytes-1.0.dist-info").mkdir()
    (site.folder / "bytes-1.0.dist-info" / "entry_points.txt").write_bytes(b"[steno]\n\xff\xfe = \xff")
    found = site.load()
    states = {state.name: state for state in found.states()}
    assert states["good"].state == states["damaged"].state == states["lines"].state == "active"
    assert (states["damaged"].distribution, states["damaged"].version) == ("steno_damaged", "2.5")
    assert "is no entry point" in states["this is no line"].state


TAGS = {
    "a list": ("[1]", "returned list, not a mapping of tags"),
    "a mapping of other things": ("{'x': [1]}", "returned list as tag 'x', not text"),
    "a key that is no text": ("{1: '1'}", "the key '1', which is none"),
    "an empty key": ("{'': '1'}", "the key '', which is none"),
    "too many": ("{f'k{i}': 'v' for i in range(5000)}", "more than 100 tags"),
    "a mapping that raises": ("type('M', (dict,), {'items': lambda self: 1 / 0})()", "ZeroDivisionError"),
}


@pytest.mark.parametrize("case", TAGS)
def test_tags_that_are_none_set_their_plugin_aside(site, case):
    returned, reason = TAGS[case]
    site.add("culprit", f"@hookimpl\ndef steno_run_tags(): return {returned}")
    site.add("good", GOOD)
    found = site.load()
    assert found.hooks.run_tags()["good"] == "1"
    assert reason in site.state("culprit", found).state


def test_huge_tags_are_cut_and_numbers_written_out(site):
    site.add("huge", "@hookimpl\ndef steno_run_tags(): return {'x': 'y' * 10_000_000, 'n': 3, 'b': True}")
    tags = site.load().hooks.run_tags()
    assert (len(tags["x"]), tags["n"], tags["b"]) == (8000, "3", "True")


def test_an_observer_that_ends_the_process_does_not(site, caplog):
    site.add("quits", "import sys\n@hookimpl\ndef steno_run_started(run): sys.exit(1)")
    found = site.load()
    with caplog.at_level(logging.WARNING):
        found.hooks.run_started(object())
        found.hooks.run_started(object())
    assert caplog.text.count("SystemExit: 1 (said once)") == 1


def test_a_gate_that_raises_names_its_plugin_and_stays_shut(site):
    site.add("shut", "import sys\n@hookimpl\ndef steno_before_write(batch): sys.exit('no')")
    found = site.load()
    for _ in range(2):
        with pytest.raises(PluginError, match="plugin 'shut' withholds it: SystemExit: no"):
            found.hooks.before_write("r", Batch())


def test_the_handler_of_a_signal_ends_the_process_also_while_a_hook_runs(site):
    site.add(
        "busy",
        """
        import os, signal
        @hookimpl
        def steno_run_started(run):
            os.kill(os.getpid(), signal.SIGTERM)
            import time
            time.sleep(5)
        """,
    )
    script = """
        import signal, sys
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        import steno
        steno.start_run()
        sys.exit("it went on")
    """
    site.run(script)


def test_a_hook_that_holds_up_the_user_is_named(site, caplog, monkeypatch):
    from steno.plugins import hooks

    monkeypatch.setattr(hooks, "SLOW_S", 0.01)
    site.add("slow", "import time\n@hookimpl\ndef steno_run_tags():\n    time.sleep(0.05)\n    return {}")
    found = site.load()
    found.hooks.run_tags()
    found.hooks.run_tags()
    assert caplog.text.count("plugin 'slow' took 0.1 s in steno_run_tags") == 1
