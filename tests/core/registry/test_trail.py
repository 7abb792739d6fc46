"""Who changed what when, and what stood where at a time, asked of a real store."""

from __future__ import annotations

import time

import pytest
from steno.errors import InvalidValue


def test_the_trail_tells_what_stood_where_at_any_time(client, log, monkeypatch):
    monkeypatch.setenv("STENO_USERNAME", "grace")
    times = []

    def then():
        time.sleep(0.003)
        times.append(time.time_ns() // 1_000_000)
        time.sleep(0.003)

    for each in (1.0, 2.0):
        log(each, registered_model_name="churn")
    then()
    client.transition_model_version_stage("churn", 1, "Production")
    client.set_registered_model_alias("churn", "champion", 1)
    then()
    client.transition_model_version_stage("churn", 2, "Production", archive_existing_versions=True)
    client.set_registered_model_alias("churn", "champion", 2)
    then()
    client.rename_registered_model("churn", "leavers")
    client.delete_registered_model("leavers")
    then()

    def at(when):
        return {(v.name, v.version): (v.current_stage, v.aliases) for v in client.get_registry_at(when)[1]}

    assert at(times[0]) == {("churn", "1"): ("None", []), ("churn", "2"): ("None", [])}
    assert at(times[1]) == {("churn", "1"): ("Production", ["champion"]), ("churn", "2"): ("None", [])}
    assert at(times[2]) == {("churn", "1"): ("Archived", []), ("churn", "2"): ("Production", ["champion"])}
    assert at(times[3]) == {}
    assert [v.version for v in client.get_registry_at(times[2], "churn")[1]] == ["1", "2"]
    assert client.get_registry_at(times[2], "leavers")[1] == []
    assert {event.user for event in client.get_registry_events()} == {"grace"}
    assert client.get_registry_events("leavers") == client.get_registry_events("churn")
    assert len(client.get_registry_events("churn", until=times[0])) < len(client.get_registry_events("churn"))


@pytest.mark.parametrize("when", ["yesterday", None, 1.5, True, "2026-13-01", []])
def test_what_is_no_time_is_refused(client, when):
    with pytest.raises(InvalidValue, match="no time"):
        client.get_registry_at(when)


def test_what_stands_now_by_the_trail_is_what_the_store_says(client, registered):
    client.set_model_version_tag("churn", 1, "a", "b")
    client.update_model_version("churn", 3, "third")
    client.set_registered_model_tag("churn", "team", "red")
    client.copy_model_version("models:/churn/2", "live")
    client.delete_model_version("churn", 1)
    models, versions = client.get_registry_at(time.time_ns() // 1_000_000)
    now = {m.name: (m.tags, m.aliases, m.description) for m in client.search_registered_models()}
    assert {m.name: (m.tags, m.aliases, m.description) for m in models} == now

    def told(version):
        return (version.name, version.version, version.source, version.current_stage, tuple(version.aliases))

    assert {told(v) for v in versions} == {told(v) for v in client.search_model_versions()}
