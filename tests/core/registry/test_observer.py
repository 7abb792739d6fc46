"""Plugins see which versions of registered models change."""

from __future__ import annotations

import pytest
import steno


@pytest.fixture
def seen():
    """What an observer of versions was shown."""
    from steno.plugins import plugins

    class Observer:
        def __init__(self):
            self.shown = []

        @steno.hookimpl
        def steno_model_version_changed(self, before, after):
            self.shown.append((before, after))

    observer = Observer()
    plugins().register(observer, "observer")
    yield observer.shown
    plugins().unregister("observer")


def test_steno_model_version_changed_sees_each_version_that_changes(client, seen, log):
    for each in (1.0, 2.0):
        log(each, registered_model_name="churn")
    assert [(before, after.version) for before, after in seen] == [(None, "1"), (None, "2")]
    seen.clear()
    client.transition_model_version_stage("churn", 1, "Production")
    client.transition_model_version_stage("churn", 2, "Production", archive_existing_versions=True)
    moves = [(before.version, before.current_stage, after.current_stage) for before, after in seen]
    assert moves == [("1", "None", "Production"), ("1", "Production", "Archived"), ("2", "None", "Production")]
    seen.clear()
    client.set_registered_model_alias("churn", "champion", 1)
    client.set_registered_model_alias("churn", "champion", 2)
    assert [(before.aliases, after.aliases) for before, after in seen] == [
        ([], ["champion"]),
        (["champion"], []),
        ([], ["champion"]),
    ]
    seen.clear()
    client.delete_registered_model_alias("churn", "champion")
    client.set_model_version_tag("churn", 1, "a", "b")
    client.set_model_version_tag("churn", 1, "a", "b")
    client.update_model_version("churn", 1, "one")
    assert len(seen) == 3, "what changes nothing is not shown"
    seen.clear()
    client.rename_registered_model("churn", "leavers")
    assert [(before.name, after.name) for before, after in seen] == [("churn", "leavers")] * 2
    seen.clear()
    client.delete_model_version("leavers", 1)
    client.delete_registered_model("leavers")
    assert [(before.version, after) for before, after in seen] == [("1", None), ("2", None)]


def test_an_observer_that_raises_does_not_undo_what_it_saw(client, log, caplog):
    from steno.plugins import plugins

    class Broken:
        @steno.hookimpl
        def steno_model_version_changed(self, after):
            raise RuntimeError("no")

    plugins().register(Broken(), "broken-observer")
    try:
        assert log(registered_model_name="churn").registered_model_version == "1"
    finally:
        plugins().unregister("broken-observer")
    assert "broken-observer" in caplog.text
