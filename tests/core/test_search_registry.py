"""The filter language over registered models and their versions: what it accepts, refuses and leaves out unasked."""

from __future__ import annotations

import pytest
from steno.errors import FilterError
from steno.queries import And, Compare, Entity, Field, Not, Or, OrderKey
from steno.tracking.search import parse_model_versions, parse_registered_models
from steno.tracking.search.prompts import NO_PROMPT

PROMPT = Field(Entity.TAG, "mlflow.prompt.is_prompt")
NAME, NUMBER = Field(Entity.ATTRIBUTE, "name"), Field(Entity.ATTRIBUTE, "version_number")
IS_A = Compare(NAME, "=", "a")
both = pytest.mark.parametrize("parse", [parse_registered_models, parse_model_versions])


def attribute(key):
    return Field(Entity.ATTRIBUTE, key)


@both
@pytest.mark.parametrize("text", [None, ""])
def test_a_search_without_text_finds_all_but_prompts(parse, text):
    assert parse(text) == (Not(Compare(PROMPT, "=", "true")), ())


@both
@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("name = 'a'", IS_A),
        ("attribute.name = 'a'", IS_A),
        ("name != 'a'", Compare(NAME, "!=", "a")),
        ("name like '%a_'", Compare(NAME, "LIKE", "%a_")),
        ("`name` ilike 'A%'", Compare(NAME, "ILIKE", "A%")),
        ("name IN ('a', 'b')", Compare(NAME, "IN", ("a", "b"))),
        ("name NOT IN ('a')", Compare(NAME, "NOT IN", ("a",))),
        ("tags.team = 'a'", Compare(Field(Entity.TAG, "team"), "=", "a")),
        ("tag.`my team` LIKE 'a%'", Compare(Field(Entity.TAG, "my team"), "LIKE", "a%")),
        ("tags.team IS NULL", Compare(Field(Entity.TAG, "team"), "IS NULL")),
        ("name = 'a' OR tags.x != '1'", Or((IS_A, Compare(Field(Entity.TAG, "x"), "!=", "1")))),
    ],
)
def test_models_and_versions_are_found_by_name_and_tag(parse, text, condition):
    assert parse(text)[0] == And((condition, NO_PROMPT))


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("run_id = 'r'", Compare(attribute("run_id"), "=", "r")),
        ("run_id IN ('r', 's')", Compare(attribute("run_id"), "IN", ("r", "s"))),
        ("source_path LIKE 's3://%'", Compare(attribute("source_path"), "LIKE", "s3://%")),
        ("version_number = 3", Compare(NUMBER, "=", 3)),
        ("version_number >= '3'", Compare(NUMBER, ">=", 3)),
        ('version_number != "-3"', Compare(NUMBER, "!=", -3)),
        ("version_number < 2.5", Compare(NUMBER, "<", 2.5)),
    ],
)
def test_versions_are_found_by_run_source_and_number(text, condition):
    assert parse_model_versions(text)[0] == And((condition, NO_PROMPT))


@both
@pytest.mark.parametrize("asks", ["= 'true'", "!= 'false'", '= "true"'])
def test_prompts_are_found_if_they_are_asked_for(parse, asks):
    (condition, _) = parse(f"name = 'a' AND tags.mlflow.prompt.is_prompt {asks}")
    assert isinstance(condition, And)
    assert NO_PROMPT not in condition.parts
    assert condition.parts[0] == IS_A
    assert parse(f"tag.`mlflow.prompt.is_prompt` {asks} OR name = 'a'")[0].parts[1] == IS_A


@both
@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("tags.mlflow.prompt.is_prompt != 'true'", NO_PROMPT),
        ("name = 'a' AND tags.mlflow.prompt.is_prompt != 'true'", And((IS_A, NO_PROMPT))),
        ("tags.mlflow.prompt.is_prompt != 'true' AND name = 'a'", And((IS_A, NO_PROMPT))),
        ("NOT tags.mlflow.prompt.is_prompt = 'true'", NO_PROMPT),
        ("tags.mlflow.prompt.is_prompt = 'false'", And((Compare(PROMPT, "=", "false"), NO_PROMPT))),
        ("tags.mlflow.prompt.is_prompt LIKE 'true'", And((Compare(PROMPT, "LIKE", "true"), NO_PROMPT))),
    ],
)
def test_what_is_said_to_be_no_prompt_is_whatever_lacks_the_tag_too(parse, text, condition):
    assert parse(text)[0] == condition


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("name", OrderKey(NAME)),
        ("attribute.name DESC", OrderKey(NAME, ascending=False)),
        ("timestamp desc", OrderKey(attribute("last_updated_timestamp"), ascending=False)),
        ("last_updated_timestamp ASC", OrderKey(attribute("last_updated_timestamp"))),
    ],
)
def test_models_are_ordered_by_name_or_time(text, key):
    assert parse_registered_models(None, [text])[1] == (key,)


@pytest.mark.parametrize("name", ["name", "version_number", "creation_timestamp", "last_updated_timestamp"])
def test_versions_are_ordered_by_name_number_or_time(name):
    assert parse_model_versions(None, [f"{name} DESC"])[1] == (OrderKey(attribute(name), ascending=False),)


@pytest.mark.parametrize(
    ("parse", "text", "position", "advice"),
    [
        (parse_registered_models, "   ", 3, "blank"),
        (parse_registered_models, "name > 'a'", 5, "it takes = != LIKE ILIKE IN NOT IN"),
        (parse_registered_models, "name = a", 7, "texts need quotes: 'a'"),
        (parse_registered_models, "run_id = 'r'", 0, "known: name, last_updated_timestamp"),
        (parse_registered_models, "description LIKE 'a%'", 0, "unknown attribute"),
        (parse_registered_models, "last_updated_timestamp > 5", 0, "order by last_updated_timestamp, but not search"),
        (parse_registered_models, "creation_timestamp > 5", 0, "unknown attribute"),
        (parse_registered_models, "attributes.name = 'a'", 0, "unknown prefix 'attributes'; known: tags"),
        (parse_registered_models, "tags.x > '1'", 7, "it takes = !="),
        (parse_registered_models, "name = 'a';", 10, "one filter"),
        (parse_model_versions, "version_number = 'one'", 17, "a number for version_number"),
        (parse_model_versions, "version_number = '1.5'", 17, "a number for version_number"),
        (parse_model_versions, "version_number IN (1)", 15, "it takes = != > >= < <="),
        (parse_model_versions, "version_number LIKE '1%'", 15, "it takes = !="),
        (parse_model_versions, "version_number = '99999999999999999999'", 17, "a number"),
        (parse_model_versions, "creation_timestamp > 5", 0, "but not search by it"),
        (parse_model_versions, "current_stage = 'Production'", 0, "unknown attribute 'current_stage'"),
        (parse_model_versions, "status = 'READY'", 0, "unknown attribute"),
        (parse_model_versions, "aliases = 'champion'", 0, "unknown attribute"),
        (parse_model_versions, "user_id = 'ada'", 0, "unknown attribute"),
        (parse_model_versions, "metrics.loss > 1", 0, "unknown prefix 'metrics'"),
    ],
)
def test_what_cannot_be_searched_by_is_refused_with_advice(parse, text, position, advice):
    with pytest.raises(FilterError, match=advice.replace("(", r"\(")) as caught:
        parse(text)
    assert caught.value.position == position


@pytest.mark.parametrize(
    ("parse", "key"),
    [
        (parse_registered_models, "creation_timestamp"),
        (parse_registered_models, "tags.team"),
        (parse_registered_models, "name, timestamp"),
        (parse_model_versions, "run_id"),
        (parse_model_versions, "source_path"),
        (parse_model_versions, "timestamp"),
        (parse_model_versions, "current_stage"),
        (parse_model_versions, "tags.team"),
    ],
)
def test_what_cannot_be_ordered_by_is_refused(parse, key):
    with pytest.raises(FilterError):
        parse(None, [key])
