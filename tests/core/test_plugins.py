"""Plugins arrive alone: what one breaks is its own."""

from __future__ import annotations

import logging

import pytest
from steno import hookimpl
from steno.errors import MissingDependency, PluginError, UnknownScheme
from steno.plugins import Plugins
from steno.records import Batch


@pytest.fixture
def plugins() -> Plugins:
    """A manager of this test's own, with nothing loaded."""
    found = Plugins()
    found._loaded = True
    return found


class Tags:
    """A plugin that brings tags."""

    def __init__(self, **tags: str) -> None:
        self._tags = tags

    @hookimpl
    def steno_run_tags(self):
        return self._tags


class Broken:
    """A plugin that raises in every hook."""

    @hookimpl
    def steno_run_tags(self):
        raise RuntimeError("no tags today")

    @hookimpl
    def steno_run_started(self, run):
        raise RuntimeError("no start today")

    @hookimpl
    def steno_before_write(self, batch):
        raise RuntimeError("no write today")


def test_what_ships_here_is_found_by_its_entry_points():
    found = Plugins()
    states = {state.name: state for state in found.states()}
    assert {"context", "sql", "files"} <= set(states)
    assert {states[name].state for name in ("context", "sql", "files")} == {"active"}
    assert "sqlite" in found.stores.run_stores.offers
    assert "file" in found.stores.artifact_stores.offers
    assert states["sql"].distribution == "steno"


def test_a_blocked_plugin_is_not_loaded(monkeypatch):
    monkeypatch.setenv("STENO_BLOCK_PLUGINS", "context, sql")
    states = {state.name: state.state for state in Plugins().states()}
    assert (states["context"], states["sql"], states["files"]) == ("blocked", "blocked", "active")


def test_an_offer_that_raises_sets_its_plugin_aside_and_others_go_on(plugins, caplog):
    plugins.register(Tags(a="1", b="1"), "first")
    plugins.register(Broken(), "broken")
    plugins.register(Tags(b="2"), "second")
    assert plugins.hooks.run_tags() in ({"a": "1", "b": "2"}, {"a": "1", "b": "1"})
    assert plugins.failures == {"broken": "RuntimeError: no tags today"}
    assert "set aside" in caplog.text
    caplog.clear()
    plugins.hooks.run_tags()
    assert caplog.text == ""


def test_an_observer_that_raises_is_said_once_and_reaches_nobody(plugins, caplog):
    plugins.register(Broken(), "broken")
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            plugins.hooks.run_started(object())
    assert len([r for r in caplog.records if "no start today" in r.getMessage()]) == 1
    assert plugins.failures == {}


def test_a_gate_that_raises_stays_shut(plugins):
    plugins.register(Broken(), "broken")
    with pytest.raises(PluginError, match="plugin 'broken' withholds it: RuntimeError: no write today"):
        plugins.hooks.before_write("r", Batch())


def test_a_misspelled_hook_is_a_failure_that_names_the_right_one(plugins):
    class Misspelled:
        @hookimpl
        def steno_run_startd(self, run):
            pass

    assert not plugins.register(Misspelled(), "typo")
    assert plugins.failures["typo"] == "PluginError: unknown hook 'steno_run_startd'; did you mean 'steno_run_started'?"


def test_a_hook_with_an_argument_that_is_not_there_is_a_failure(plugins):
    class Wrong:
        @hookimpl
        def steno_run_started(self, ran):
            pass

    assert not plugins.register(Wrong(), "wrong")
    assert "ran" in plugins.failures["wrong"]


class Offers:
    """A plugin that offers a store."""

    def __init__(self, scheme: str, address: str, remedy: str = "") -> None:
        self._offer = scheme, address, remedy

    @hookimpl
    def steno_register_stores(self, register):
        scheme, address, remedy = self._offer
        register.runs(scheme, address, remedy=remedy)


def test_a_scheme_is_offered_once_and_leaves_with_its_plugin(plugins):
    assert plugins.register(Offers("x", "steno_sql.store:SqlStore"), "first")
    assert not plugins.register(Offers("x", "steno_sql.store:SqlStore"), "second")
    assert "already offered by plugin 'first'" in plugins.failures["second"]
    assert plugins.stores.run_stores.find("x://h").plugin == "first"
    plugins.unregister("first")
    with pytest.raises(UnknownScheme):
        plugins.stores.run_stores.find("x://h")


def test_a_scheme_with_a_driver_falls_back_to_the_scheme(plugins):
    plugins.register(Offers("x", "a:b"), "x")
    assert plugins.stores.run_stores.find("x+driver://h").name == "x"
    assert plugins.stores.run_stores.find("X://h").name == "x"


def test_an_address_needs_its_form(plugins):
    assert not plugins.register(Offers("x", "no colon"), "bad")
    assert "module:attribute" in plugins.failures["bad"]


def test_a_store_whose_package_is_missing_says_what_to_install(plugins):
    plugins.register(Offers("x", "no_such_package_here:Store", remedy="'steno[x]'"), "x")
    with pytest.raises(MissingDependency, match=r"pip install .*steno\[x\]"):
        plugins.stores.run_stores.open("x://h")


def test_an_address_that_names_nothing_is_the_plugins_fault(plugins):
    plugins.register(Offers("x", "steno.records:NoSuchThing"), "x")
    with pytest.raises(PluginError, match="NoSuchThing"):
        plugins.stores.run_stores.open("x://h")
