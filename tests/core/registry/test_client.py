"""Registered models by the client: MLflow's names and defaults, and what MLflow leaves open."""

from __future__ import annotations

from pathlib import Path

import pytest
import steno
from steno.entities import ModelVersion, RegisteredModel, Stage
from steno.errors import AlreadyExists, FilterError, InvalidValue, NotFound, UnknownScheme


def test_a_model_is_created_described_tagged_renamed_and_deleted(client):
    made = client.create_registered_model("churn", {"team": "red", "n": 3}, "who leaves")
    assert isinstance(made, RegisteredModel)
    assert (made.name, made.tags, made.description) == ("churn", {"team": "red", "n": "3"}, "who leaves")
    client.set_registered_model_tag("churn", "team", "blue")
    client.delete_registered_model_tag("churn", "n")
    client.delete_registered_model_tag("churn", "never there")
    assert client.update_registered_model("churn", "all").description == "all"
    assert client.update_registered_model("churn").description == ""
    assert client.rename_registered_model("churn", "leavers").tags == {"team": "blue"}
    with pytest.raises(NotFound):
        client.get_registered_model("churn")
    client.delete_registered_model("leavers")
    assert client.search_registered_models() == []


def test_a_name_is_taken_once(client):
    client.create_registered_model("churn")
    with pytest.raises(AlreadyExists, match="churn"):
        client.create_registered_model("churn")
    client.create_registered_model("other")
    with pytest.raises(AlreadyExists):
        client.rename_registered_model("other", "churn")


def test_versions_carry_what_made_them(client, registered):
    version = client.get_model_version("churn", 2)
    assert isinstance(version, ModelVersion)
    assert (version.version, version.status, version.current_stage) == ("2", "READY", "Production")
    assert version.aliases == ["champion"]
    assert version.run_id == registered.run_ids[1]
    assert version.model_id == registered.infos[1].model_id
    assert registered.infos[1].registered_model_version == "2"
    run = client.get_model_version_run("churn", "2")
    assert run.data.params == {"slope": "2.0"}
    assert run.outputs.model_outputs[0].model_id == version.model_id


def test_the_run_of_a_version_may_be_unknown(client, registered, tmp_path):
    client.create_model_version("churn", str(tmp_path))
    assert client.get_model_version_run("churn", 4) is None


def test_a_version_is_described_tagged_and_deleted(client, registered):
    assert client.update_model_version("churn", 1, "the first").description == "the first"
    with pytest.raises(InvalidValue, match="description"):
        client.update_model_version("churn", 1)
    client.set_model_version_tag("churn", 1, "checked", True)
    client.set_model_version_tag("churn", key="live", value="yes", stage="Production")
    assert client.get_model_version("churn", 1).tags == {"checked": "True"}
    assert client.get_model_version("churn", 2).tags == {"live": "yes"}
    client.delete_model_version_tag("churn", 1, "checked")
    client.delete_model_version_tag("churn", key="live", stage="production")
    assert client.get_model_version("churn", 2).tags == {}
    client.delete_model_version("churn", 3)
    with pytest.raises(NotFound, match="version '3'"):
        client.get_model_version("churn", 3)
    client.delete_model_version("churn", 2)
    with pytest.raises(InvalidValue, match="alias"):
        client.get_model_version_by_alias("churn", "champion")


def test_numbers_of_versions_are_never_used_again(client, registered, log):
    client.delete_model_version("churn", 3)
    assert log(registered_model_name="churn").registered_model_version == "4"


@pytest.mark.parametrize("given", [{}, {"version": 1, "stage": "Production"}])
def test_a_tag_is_for_a_version_or_a_stage(client, registered, given):
    with pytest.raises(InvalidValue, match="either version or stage"):
        client.set_model_version_tag("churn", key="a", value="b", **given)


def test_stages_are_mlflows(client, registered):
    assert client.get_model_version_stages("churn", 1) == [stage.value for stage in Stage]
    assert client.transition_model_version_stage("churn", 3, "staging").current_stage == "Staging"
    client.transition_model_version_stage("churn", "3", "Production", archive_existing_versions=True)
    assert [each.current_stage for each in client.list_model_versions("churn")] == ["Production", "Archived", "None"]
    latest = client.get_latest_versions("churn")
    assert {each.current_stage: each.version for each in latest} == {"None": "1", "Production": "3", "Archived": "2"}
    assert client.get_latest_versions("churn", ["Staging"]) == []
    assert [each.version for each in client.get_latest_versions("churn", stages=["production"])] == ["3"]


def test_what_cannot_be_archived_or_staged_is_refused(client, registered):
    with pytest.raises(InvalidValue, match="goes with Staging and Production"):
        client.transition_model_version_stage("churn", 1, "Archived", archive_existing_versions=True)
    with pytest.raises(InvalidValue, match="no stage 'live'"):
        client.transition_model_version_stage("churn", 1, "live")
    with pytest.raises(InvalidValue, match="a list"):
        client.get_latest_versions("churn", "Production")
    with pytest.raises(NotFound):
        client.transition_model_version_stage("churn", 9, "Staging")


def test_aliases_move_and_go(client, registered):
    client.set_registered_model_alias("churn", "champion", "3")
    assert client.get_model_version_by_alias("churn", "champion").version == "3"
    assert client.get_registered_model("churn").aliases == {"champion": "3"}
    assert client.get_model_version_by_alias("churn", "latest").version == "3"
    client.delete_registered_model_alias("churn", "champion")
    client.delete_registered_model_alias("churn", "champion")
    with pytest.raises(InvalidValue, match="champion"):
        client.get_model_version_by_alias("churn", "champion")
    with pytest.raises(NotFound):
        client.set_registered_model_alias("churn", "champion", 9)
    with pytest.raises(InvalidValue, match="taken"):
        client.set_registered_model_alias("churn", "v2", 2)


def test_a_copy_outlives_renaming_and_deletion_of_its_original(client, registered, slope):
    client.update_model_version("churn", 2, "the good one")
    copy = client.copy_model_version("models:/churn@champion", "live")
    assert (copy.name, copy.version, copy.source) == ("live", "1", "models:/churn/2")
    assert (copy.run_id, copy.description) == (registered.run_ids[1], "the good one")
    assert (copy.current_stage, copy.aliases, copy.tags) == ("None", [], {})
    of_copy = client.copy_model_version("models:/live/1", "further")
    client.rename_registered_model("churn", "old")
    client.delete_registered_model("old")
    client.delete_model_version("live", 1)
    assert of_copy.source == "models:/live/1"
    assert slope("models:/further/1") == 2.0
    assert client.get_model_version_download_uri("further", 1).endswith(
        f"/models/{registered.infos[1].model_id}/artifacts"
    )


def test_a_copy_is_of_a_version(client, registered):
    with pytest.raises(InvalidValue, match="no URI of a model"):
        client.copy_model_version("runs:/abc/model", "live")
    with pytest.raises(InvalidValue, match="not a version"):
        client.copy_model_version(f"models:/{registered.infos[0].model_id}", "live")
    with pytest.raises(NotFound):
        client.copy_model_version("models:/churn/9", "live")
    assert [model.name for model in client.search_registered_models()] == ["churn"]


def test_a_model_logged_by_its_id_can_be_registered(client, log, slope):
    info = log(4.0)
    version = steno.register_model(f"models:/{info.model_id}", "byid", tags={"a": 1})
    assert (version.source, version.run_id) == (f"models:/{info.model_id}", info.run_id)
    assert (version.model_id, version.tags) == (info.model_id, {"a": "1"})
    assert slope("models:/byid/1") == 4.0


def test_a_model_that_is_not_there_is_not_registered(client, log, tmp_path):
    info = log()
    for uri in (f"runs:/{info.run_id}/nope", f"runs:/{info.run_id}", str(tmp_path), "runs:/" + "0" * 32 + "/model"):
        with pytest.raises(NotFound):
            steno.register_model(uri, "churn")
    with pytest.raises(InvalidValue, match="inside"):
        steno.register_model(f"models:/{info.model_id}/code", "churn")
    with pytest.raises(InvalidValue, match="not blank"):
        steno.register_model(info.model_uri, "  ")
    assert client.search_registered_models() == []


def test_a_bad_name_is_refused_before_anything_is_logged(client, log):
    with pytest.raises(InvalidValue, match="'/'"):
        log(registered_model_name="a/b")
    (run,) = client.search_runs(["0"])
    assert client.list_artifacts(run.info.run_id) == []


def test_what_nothing_here_can_look_into_is_registered_on_trust(client):
    version = steno.register_model("ftp://host/model", "far")
    assert version.source == "ftp://host/model"
    assert client.get_model_version_download_uri("far", 1) == "ftp://host/model"
    with pytest.raises(UnknownScheme, match="ftp"):
        steno.load_model("models:/far/1")


def test_a_source_must_agree_with_its_run_and_model(client, registered):
    first, second = registered.infos[:2]
    create = client.create_model_version
    with pytest.raises(InvalidValue, match="not of run"):
        create("churn", first.model_uri, run_id=second.run_id)
    with pytest.raises(InvalidValue, match="not of model"):
        create("churn", f"models:/{first.model_id}", model_id=second.model_id)
    with pytest.raises(InvalidValue, match="cannot be"):
        create("churn", "s3://b/m", run_id="0" * 32)
    with pytest.raises(InvalidValue, match="cannot be"):
        create("churn", "models:/churn/17")
    with pytest.raises(InvalidValue, match="climbs"):
        create("churn", "/tmp/../etc")
    with pytest.raises(NotFound):
        create("nobody", "s3://b/m")
    assert len(client.list_model_versions("churn")) == 3
    made = create("churn", first.model_uri, first.run_id, {"a": "b"}, "http://run", "by hand")
    assert (made.source, made.run_link, made.description) == (first.model_uri, "http://run", "by hand")
    assert create("churn", "models:/churn/2").run_id == second.run_id


def test_a_version_by_its_runs_uri_is_found_where_the_run_keeps_it(client, registered, slope):
    client.create_model_version("churn", registered.infos[1].model_uri)
    assert slope("models:/churn/4") == 2.0
    assert Path(client.get_model_version_download_uri("churn", 4), "MLmodel").is_file()


def test_searches_take_mlflows_filters_and_pages(client, registered):
    for name in ("a", "b", "c"):
        client.create_registered_model(name, tags={"team": "red"})
    assert [m.name for m in client.search_registered_models("name LIKE 'ch%'")] == ["churn"]
    assert [m.name for m in client.search_registered_models("tags.team = 'red'", order_by=["name DESC"])] == [*"cba"]
    page = client.search_registered_models(max_results=2)
    assert [m.name for m in page] == ["a", "b"]
    assert [m.name for m in client.search_registered_models(max_results=2, page_token=page.token)] == ["c", "churn"]
    assert [m.name for m in steno.search_registered_models(max_results=3)] == ["a", "b", "c"]
    found = client.search_model_versions(f"run_id = '{registered.run_ids[0]}'")
    assert [v.version for v in found] == ["1"]
    assert [v.version for v in steno.search_model_versions(order_by=["version_number ASC"])] == ["1", "2", "3"]
    assert len(steno.search_model_versions(max_results=2)) == 2


def test_a_search_that_cannot_be_is_refused(client):
    with pytest.raises(FilterError):
        client.search_registered_models("name ~ 'x'")
    with pytest.raises(InvalidValue, match="between 1 and 1000"):
        client.search_registered_models(max_results=1001)
    with pytest.raises(InvalidValue, match="between 1 and 200000"):
        client.search_model_versions(max_results=0)
    with pytest.raises(InvalidValue, match="list"):
        client.search_model_versions(order_by="name")


def test_a_tag_of_the_fluent_kind(client, registered):
    steno.set_model_version_tag("churn", 1, "a", "b")
    assert client.get_model_version("churn", 1).tags == {"a": "b"}
    with pytest.raises(InvalidValue, match="100000"):
        steno.set_model_version_tag("churn", 1, "a", "x" * 100_001)
    with pytest.raises(InvalidValue, match="tag key"):
        steno.set_model_version_tag("churn", 1)


def test_a_registered_model_is_not_overwritten_by_one_logged_later_in_its_run(client, slope):
    from sklearn.linear_model import LinearRegression

    X = [[1.0, 1.0], [2.0, 3.0]]
    with steno.start_run():
        uris = [
            steno.sklearn.log_model(
                LinearRegression(fit_intercept=False).fit(X, [2 * k, 5 * k]), name="model", registered_model_name="m"
            ).model_uri
            for k in (1.0, 2.0, 3.0)
        ]
    assert [slope(f"models:/m/{n}") for n in (1, 2, 3)] == [1.0, 2.0, 3.0]
    assert [slope(uri) for uri in uris] == [1.0, 2.0, 3.0]
