"""What may be registered under which name, and what a URI of a model means."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from steno.errors import InvalidValue
from steno.registry import ModelUri, parse_model_uri, rules

ID = "m-" + "0123456789abcdef" * 2


@pytest.mark.parametrize("name", ["churn", "a b", "größe", "x" * 256, "a@b", "m-1", "v1.2", "..a"])
def test_a_name_is_any_text_that_is_no_path(name):
    assert rules.model_name(name) == name


@pytest.mark.parametrize("name", ["", "  ", None, 7, "a/b", "a:b", "x" * 257, ".", "..", "a\nb", "a\0"])
def test_a_name_that_cannot_be_is_refused_in_a_sentence(name):
    with pytest.raises(InvalidValue, match="registered model") as refused:
        rules.model_name(name)
    assert "\n" not in refused.value.message
    assert len(refused.value.message) < 200


@pytest.mark.parametrize("alias", ["champion", "a-b_c", "é", "v1a", "latest-one", "x" * 255, "1"])
def test_an_alias_is_a_word(alias):
    assert rules.alias(alias) == alias


@pytest.mark.parametrize("alias", ["", "a b", "a/b", "latest", "Latest", "v1", "V23", "x" * 256, None, 3])
def test_an_alias_that_stands_for_something_else_is_refused(alias):
    with pytest.raises(InvalidValue, match="alias"):
        rules.alias(alias)


def test_a_stage_has_one_spelling():
    assert rules.stage("production") == "Production"
    assert rules.stage("NONE") == "None"
    with pytest.raises(InvalidValue, match="stages are None, Staging, Production, Archived"):
        rules.stage("live")
    with pytest.raises(InvalidValue):
        rules.stage(None)


@pytest.mark.parametrize(("given_", "meant"), [(1, "1"), ("7", "7"), ("007", "7")])
def test_a_version_is_a_whole_number(given_, meant):
    assert rules.version(given_) == meant


@pytest.mark.parametrize("version", [0, -1, "0", "1.0", 1.0, "x", "", None, True, "٣", "9" * 30])
def test_what_is_no_version_is_refused(version):
    with pytest.raises(InvalidValue, match="whole number"):
        rules.version(version)


@pytest.mark.parametrize(
    "source", ["s3://b/../c", "/a/..", "a/%2e%2e/b", "a/%252e%252e/b", "a\\..\\b", "", None, "a\0b"]
)
def test_a_source_that_climbs_is_refused(source):
    with pytest.raises(InvalidValue, match="source"):
        rules.source(source)


def test_a_source_may_hold_dots():
    assert rules.source("s3://b/model..v1/x") == "s3://b/model..v1/x"


def test_a_description_is_text_of_some_length():
    assert rules.description(None) == ""
    with pytest.raises(InvalidValue, match="5000"):
        rules.description("x" * 5001)
    with pytest.raises(InvalidValue, match="text"):
        rules.description(3)


@pytest.mark.parametrize(
    ("uri", "meant"),
    [
        ("models:/churn/3", ModelUri(name="churn", version="3")),
        ("models:///churn/3", ModelUri(name="churn", version="3")),
        ("models:/churn/3/", ModelUri(name="churn", version="3")),
        ("models:/churn/003", ModelUri(name="churn", version="3")),
        ("models:/churn/Production", ModelUri(name="churn", stage="Production")),
        ("models:/churn/staging", ModelUri(name="churn", stage="Staging")),
        ("models:/churn/latest", ModelUri(name="churn")),
        ("models:/churn/Latest", ModelUri(name="churn")),
        ("models:/churn@latest", ModelUri(name="churn")),
        ("models:/churn@champion", ModelUri(name="churn", alias="champion")),
        ("models:/a@b@champion", ModelUri(name="a@b", alias="champion")),
        ("models:/a@b/3", ModelUri(name="a@b", version="3")),
        ("models:/a b?c#d%20/3", ModelUri(name="a b?c#d%20", version="3")),
        ("models:/churn/3/code/a.py", ModelUri(name="churn", version="3", path="code/a.py")),
        ("models:/churn@champion/MLmodel", ModelUri(name="churn", alias="champion", path="MLmodel")),
        (f"models:/{ID}", ModelUri(model_id=ID)),
        (f"models:/{ID}/MLmodel", ModelUri(model_id=ID, path="MLmodel")),
        ("models:/0123abcd", ModelUri(model_id="0123abcd")),
    ],
)
def test_a_uri_names_a_version_in_one_of_five_ways(uri, meant):
    assert parse_model_uri(uri) == meant


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("models:/", "names no model"),
        ("models:", "of the form"),
        ("models://host/churn/3", "of the form"),
        ("runs:/a/b", "of the form"),
        ("models:/churn/live", "models:/churn@live"),
        ("models:/churn/0", "whole number"),
        ("models:/@champion", "not blank"),
        ("models:/churn@", "alias"),
        ("models:/churn@v1", "alias"),
        ("models:/a:b/1", "':'"),
    ],
)
def test_a_uri_that_names_nothing_is_refused_with_what_would(uri, said):
    with pytest.raises(InvalidValue, match=said):
        parse_model_uri(uri)


names = st.text(min_size=1, max_size=20).filter(lambda text: not _refused(text))


def _refused(name: str) -> bool:
    try:
        rules.model_name(name)
    except InvalidValue:
        return True
    return False


@given(name=names, version=st.integers(1, 10**9))
def test_a_uri_of_any_name_and_version_reads_back(name, version):
    uri = ModelUri(name=name, version=str(version))
    assert parse_model_uri(str(uri)) == uri


@given(name=names, alias=st.from_regex(r"[\w-]{1,20}", fullmatch=True).filter(lambda a: a.casefold() != "latest"))
def test_a_uri_of_any_name_and_alias_reads_back(name, alias):
    try:
        rules.alias(alias)
    except InvalidValue:
        return
    uri = ModelUri(name=name, alias=alias)
    assert parse_model_uri(str(uri)) == uri
