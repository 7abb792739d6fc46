"""What the trail tells of a time that is past."""

from __future__ import annotations

from steno.model_records import Change, RegistryEvent
from steno.registry.standing import standing


def trail(*told):
    """Events in their order, a second apart."""
    return [
        RegistryEvent(number, number * 1000, "ada", name, change, **rest)
        for number, (name, change, rest) in enumerate(told, 1)
    ]


CREATED = ("churn", Change.MODEL_CREATED, {})
ONE = ("churn", Change.VERSION_CREATED, {"version": "1", "after": "/a"})
TWO = ("churn", Change.VERSION_CREATED, {"version": "2", "after": "/b"})


def stage(version, before, after, name="churn"):
    return (name, Change.STAGE, {"version": version, "before": before, "after": after})


def alias(key, before, after, name="churn"):
    return (name, Change.ALIAS, {"version": after or "", "key": key, "before": before, "after": after})


def test_nothing_stands_where_nothing_happened():
    assert standing([]) == ([], [])


def test_versions_stand_where_they_were_moved():
    events = trail(CREATED, ONE, TWO, stage("1", "None", "Production"), stage("1", "Production", "Archived"))
    _, versions = standing(events)
    assert [(v.version, v.source, v.current_stage) for v in versions] == [("1", "/a", "Archived"), ("2", "/b", "None")]
    _, versions = standing(events[:4])
    assert versions[0].current_stage == "Production"
    assert versions[0].last_updated_timestamp == 4000
    assert versions[0].creation_timestamp == 2000


def test_an_alias_stands_for_one_version_at_a_time():
    events = trail(CREATED, ONE, TWO, alias("champion", None, "1"), alias("champion", "1", "2"))
    models, versions = standing(events)
    assert models[0].aliases == {"champion": "2"}
    assert [v.aliases for v in versions] == [[], ["champion"]]
    models, _ = standing([*events, *trail(*[CREATED] * 5, alias("champion", "2", None))[5:]])
    assert models[0].aliases == {}


def test_a_version_that_is_deleted_takes_its_aliases_along():
    deleted = ("churn", Change.VERSION_DELETED, {"version": "1"})
    models, versions = standing(trail(CREATED, ONE, TWO, alias("a", None, "1"), alias("b", None, "2"), deleted))
    assert models[0].aliases == {"b": "2"}
    assert [v.version for v in versions] == ["2"]


def test_a_name_passes_from_one_model_to_another():
    renamed = ("churn", Change.MODEL_RENAMED, {"before": "churn", "after": "old"})
    again = ("churn", Change.VERSION_CREATED, {"version": "1", "after": "/new"})
    models, versions = standing(trail(CREATED, ONE, alias("a", None, "1"), renamed, CREATED, again))
    assert [model.name for model in models] == ["churn", "old"]
    assert [(v.name, v.source, v.aliases) for v in versions] == [("churn", "/new", []), ("old", "/a", ["a"])]


def test_a_model_that_is_deleted_is_gone_and_may_come_again():
    gone = ("churn", Change.MODEL_DELETED, {})
    events = trail(CREATED, ONE, gone, CREATED, ONE)
    assert standing(events[:3]) == ([], [])
    assert [v.creation_timestamp for v in standing(events)[1]] == [5000]


def test_tags_and_descriptions_are_told_too():
    events = trail(
        CREATED,
        ONE,
        ("churn", Change.MODEL_TAG, {"key": "team", "after": "red"}),
        ("churn", Change.VERSION_TAG, {"version": "1", "key": "ok", "after": "yes"}),
        ("churn", Change.VERSION_DESCRIBED, {"version": "1", "after": "the first"}),
        ("churn", Change.MODEL_DESCRIBED, {"after": "leaves us"}),
    )
    (model,), (version,) = standing(events)
    assert (model.tags, model.description) == ({"team": "red"}, "leaves us")
    assert (version.tags, version.description) == ({"ok": "yes"}, "the first")
    removed = trail(*[CREATED] * 6, ("churn", Change.VERSION_TAG, {"version": "1", "key": "ok", "before": "yes"}))[6:]
    assert standing([*events, *removed])[1][0].tags == {}


def test_what_a_later_steno_tells_of_is_passed_over():
    assert len(standing(trail(CREATED, ONE, ("churn", "version blessed", {"version": "1"})))[1]) == 1


def test_the_latest_versions_are_the_highest_of_each_stage():
    (model,), _ = standing(trail(CREATED, ONE, TWO, stage("1", "None", "Staging")))
    assert [(v.version, v.current_stage) for v in model.latest_versions] == [("2", "None"), ("1", "Staging")]
