"""Any sequence of changes, and changes of many at once: the trail always tells what the store holds."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
import steno
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from steno.errors import StenoError
from steno.tracking import places

names = st.sampled_from(["a", "b", "c"])
numbers = st.integers(1, 4)
words = st.sampled_from(["x", "y"])
changes = st.one_of(
    st.tuples(st.just("create_registered_model"), names),
    st.tuples(st.just("create_model_version"), names, st.sampled_from(["/one", "/two", "models:/a/1", "models:/b/2"])),
    st.tuples(st.just("copy_model_version"), names.map(lambda name: f"models:/{name}@x"), names),
    st.tuples(st.just("set_registered_model_alias"), names, words, numbers),
    st.tuples(st.just("delete_registered_model_alias"), names, words),
    st.tuples(
        st.just("transition_model_version_stage"),
        names,
        numbers,
        st.sampled_from(["Staging", "Production"]),
        st.booleans(),
    ),
    st.tuples(st.just("set_model_version_tag"), names, numbers, words, words),
    st.tuples(st.just("delete_model_version_tag"), names, numbers, words),
    st.tuples(st.just("set_registered_model_tag"), names, words, words),
    st.tuples(st.just("delete_registered_model_tag"), names, words),
    st.tuples(st.just("update_model_version"), names, numbers, words),
    st.tuples(st.just("update_registered_model"), names, words),
    st.tuples(st.just("rename_registered_model"), names, names),
    st.tuples(st.just("delete_model_version"), names, numbers),
    st.tuples(st.just("delete_registered_model"), names),
)


def told(models, versions):
    """All that a trail can tell of models and versions."""
    return (
        {m.name: (m.tags, m.aliases, m.description, {v.version for v in m.latest_versions}) for m in models},
        {
            (v.name, v.version): (v.source, v.current_stage, tuple(v.aliases), v.tags, v.description, v.user_id)
            for v in versions
        },
    )


def holds(client):
    """The same, as the store has it."""
    return told(client.search_registered_models(), client.search_model_versions())


@pytest.mark.slow
@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(changes, min_size=15, max_size=40))
def test_after_any_changes_the_trail_tells_what_the_store_holds(tmp_path_factory, sequence):
    client = steno.Client(str(tmp_path_factory.mktemp("any")))
    client.create_registered_model("a")
    client.create_model_version("a", "/one")
    kept = []
    for method, *arguments in sequence:
        with suppress(StenoError):
            getattr(client, method)(*arguments)
        kept.append((len(client.get_registry_events()), holds(client)))
    assert told(*client.get_registry_at(time.time_ns() // 1_000_000)) == holds(client)
    from steno.registry.standing import standing

    events = client.get_registry_events()
    assert [event.number for event in events] == sorted({event.number for event in events})
    assert all(told(*standing(events[:count])) == then for count, then in kept), "at every time before, too"
    places.forget_stores()


def test_many_who_register_at_once_get_a_version_each(client, log):
    uri = log().model_uri
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda n: steno.register_model(uri, f"model-{n % 2}"), range(24)))
    assert sorted(int(each.version) for each in made if each.name == "model-0") == list(range(1, 13))
    assert sorted(int(each.version) for each in made if each.name == "model-1") == list(range(1, 13))
    assert len(client.get_registry_events()) == 2 + 24
