"""What the filter language accepts, and what it makes of it."""

from __future__ import annotations

import math

import pytest
from steno.errors import FilterError, InvalidValue
from steno.queries import And, Compare, Entity, Field, Not, Or, OrderKey, Stat
from steno.tracking.search import parse_experiments, parse_runs

LOSS = Field(Entity.METRIC, "loss")
LR = Field(Entity.PARAM, "lr")
STATUS = Field(Entity.ATTRIBUTE, "status")

LOW = Compare(LOSS, "<", 1)
SLOW = Compare(LR, "=", "0.1")
DONE = Compare(STATUS, "=", "FINISHED")


def where(text):
    return parse_runs(text)[0]


def order(*texts):
    return parse_runs(None, texts)[1]


@pytest.mark.parametrize("text", [None, ""])
def test_no_text_is_no_condition(text):
    assert parse_runs(text) == (None, ())
    assert parse_experiments(text) == (None, ())


@pytest.mark.parametrize(
    ("entity", "prefixes"),
    [
        (Entity.METRIC, ["metric", "metrics"]),
        (Entity.PARAM, ["param", "params", "parameter", "parameters"]),
        (Entity.TAG, ["tag", "tags"]),
    ],
)
def test_every_spelling_of_a_prefix_means_its_entity(entity, prefixes):
    value = "1" if entity is Entity.METRIC else "'1'"
    for prefix in [*prefixes, *(f"`{prefix}`" for prefix in prefixes)]:
        assert where(f"{prefix}.a.b = {value}").field == Field(entity, "a.b")


@pytest.mark.parametrize("prefix", ["", "attribute.", "attributes.", "attr.", "run.", "`run`."])
def test_attributes_need_no_prefix_and_take_several(prefix):
    assert where(f"{prefix}status = 'FINISHED'") == DONE


@pytest.mark.parametrize(
    ("alias", "name"),
    [("`run name`", "run_name"), ("`Run name`", "run_name"), ("attr.`Run Name`", "run_name")],
)
def test_the_run_name_has_aliases_and_one_canonical_name(alias, name):
    assert where(f"{alias} LIKE 'a%'") == Compare(Field(Entity.ATTRIBUTE, name), "LIKE", "a%")


@pytest.mark.parametrize("alias", ["created", "Created", "attribute.created"])
def test_the_start_time_has_aliases_and_one_canonical_name(alias):
    assert where(f"{alias} > 5") == Compare(Field(Entity.ATTRIBUTE, "start_time"), ">", 5)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("tags.mlflow.source.name", "mlflow.source.name"),
        ("tags.`val loss`", "val loss"),
        ('tags."a/b-c"', "a/b-c"),
        ("tags.`it's`", "it's"),
        ("tags.`a``b`", "a`b"),
        ("tags.größe", "größe"),
        ("tags.5", "5"),
        ("tags.`order`", "order"),
        ("tags.and", "and"),
    ],
)
def test_keys_may_be_dotted_or_quoted(text, key):
    assert where(f"{text} = 'x'").field == Field(Entity.TAG, key)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("'a'", "a"),
        ('"a"', "a"),
        ('"it\'s"', "it's"),
        ("'say \"hi\"'", 'say "hi"'),
        ("'it''s'", "it's"),
        ('"a""b"', 'a"b'),
        ("''", ""),
        ("'a; b -- AND (c)'", "a; b -- AND (c)"),
        ("'1'", "1"),
        ("'\n\t'", "\n\t"),
    ],
)
def test_texts_take_either_quote(text, value):
    assert where(f"params.a = {text}").value == value


@pytest.mark.parametrize(
    ("text", "value"),
    [("1", 1), ("-1", -1), ("1.5", 1.5), (".5", 0.5), ("-.5", -0.5), ("5.", 5.0), ("1e-3", 1e-3), ("2E+3", 2e3)],
)
def test_numbers_keep_their_kind(text, value):
    found = where(f"metrics.loss >= {text}").value
    assert (found, type(found)) == (value, type(value))


def test_a_number_beyond_64_bits_is_a_float_where_floats_are_compared():
    assert where("metrics.loss > 99999999999999999999").value == 1e20
    assert where("metrics.loss < " + "9" * 5000).value == math.inf
    assert where("metrics.loss < -1e999").value == -math.inf


@pytest.mark.parametrize("operator", ["=", "!=", ">", ">=", "<", "<="])
def test_metrics_and_times_take_every_numeric_comparator(operator):
    assert where(f"metrics.loss{operator}1") == Compare(LOSS, operator, 1)
    assert where(f"end_time {operator} 1").op == operator


@pytest.mark.parametrize("field", ["params.a", "tags.a", "status", "run_name", "dataset.name"])
@pytest.mark.parametrize("operator", ["=", "!=", "LIKE", "ILIKE", "like", "iLike"])
def test_texts_are_compared_or_matched(field, operator):
    assert where(f"{field} {operator} 'x'").op == operator.upper()


@pytest.mark.parametrize("field", ["run_id", "dataset.name", "datasets.digest", "dataset.context"])
def test_some_fields_are_looked_up_in_a_list(field):
    assert where(f"{field} IN ('a', \"b\")").value == ("a", "b")
    assert where(f"{field} not  in('a')").op == "NOT IN"


@pytest.mark.parametrize("field", ["params.a", "tags.a"])
def test_params_and_tags_may_be_absent(field):
    assert (where(f"{field} IS NULL").op, where(f"{field} is  not\nnull").op) == ("IS NULL", "IS NOT NULL")
    assert where(f"{field} IS NULL").value is None


@pytest.mark.parametrize("stat", list(Stat))
def test_a_metric_has_statistics(stat):
    expected = Field(Entity.METRIC, "val.loss", stat)
    assert where(f"metrics.val.loss.{stat} < 1").field == expected
    assert where(f"metrics.`val.loss`.{stat} < 1").field == expected


def test_a_key_that_ends_like_a_statistic_is_reached_by_quoting():
    assert where("metrics.`loss.min` < 1").field == Field(Entity.METRIC, "loss.min")
    assert where("metrics.`loss.min`.max < 1").field == Field(Entity.METRIC, "loss.min", Stat.MAX)
    assert where("metrics.min < 1").field == Field(Entity.METRIC, "min")
    assert where("params.a.min = 'x'").field == Field(Entity.PARAM, "a.min")


def test_and_binds_tighter_than_or_and_not_tighter_than_both():
    low, slow, done = "metrics.loss < 1", "params.lr = '0.1'", "status = 'FINISHED'"
    assert where(f"{low} OR {slow} AND {done}") == Or((LOW, And((SLOW, DONE))))
    assert where(f"({low} OR {slow}) AND {done}") == And((Or((LOW, SLOW)), DONE))
    assert where(f"NOT {low} AND {slow}") == And((Not(LOW), SLOW))
    assert where(f"not ({low} and {slow})") == Not(And((LOW, SLOW)))
    assert where(f"NOT NOT {low}") == Not(Not(LOW))


def test_chains_of_one_kind_are_flat():
    text = "metrics.loss < 1 AND (params.lr = '0.1' AND ((status = 'FINISHED')))"
    assert where(text) == And((LOW, SLOW, DONE))


def test_white_space_is_free_and_symbols_need_none():
    text = "\tmetrics.loss<1AND\nparams.lr='0.1'AND(status\n=\n'FINISHED')  "
    with pytest.raises(FilterError, match="found '1AND'"):
        where(text)  # a number runs on to the end of its word
    assert where(text.replace("1AND", "1 AND")) == And((LOW, SLOW, DONE))


def test_a_trailing_and_is_let_pass_but_only_one_and_only_at_the_end():
    assert where("metrics.loss < 1 AND ") == LOW
    assert where("metrics.loss < 1 AND params.lr = '0.1' and") == And((LOW, SLOW))
    for text in ["metrics.loss < 1 AND AND", "(metrics.loss < 1 AND)", "metrics.loss < 1 OR", "AND"]:
        with pytest.raises(FilterError):
            where(text)


def test_experiments_have_attributes_and_tags_of_their_own():
    condition, keys = parse_experiments(
        "name LIKE 'a%' AND attribute.experiment_id IN ('1') AND creation_time > 1 AND tag.a IS NULL",
        ["last_update_time DESC", "name", "experiment_id"],
    )
    fields = [(part.field.entity, part.field.key, part.op) for part in condition.parts]
    assert fields == [
        (Entity.ATTRIBUTE, "name", "LIKE"),
        (Entity.ATTRIBUTE, "experiment_id", "IN"),
        (Entity.ATTRIBUTE, "creation_time", ">"),
        (Entity.TAG, "a", "IS NULL"),
    ]
    assert [(key.field.key, key.ascending) for key in keys] == [
        ("last_update_time", False),
        ("name", True),
        ("experiment_id", True),
    ]


def test_results_are_ordered_by_attributes_metrics_params_and_tags():
    assert order("metrics.loss.min DESC", "params.`l r` asc", "tags.a", "created  Desc") == (
        OrderKey(Field(Entity.METRIC, "loss", Stat.MIN), ascending=False),
        OrderKey(Field(Entity.PARAM, "l r")),
        OrderKey(Field(Entity.TAG, "a")),
        OrderKey(Field(Entity.ATTRIBUTE, "start_time"), ascending=False),
    )


def test_order_by_wants_a_list_and_filters_want_text():
    with pytest.raises(InvalidValue, match=r"order_by=\['start_time'\]"):
        parse_runs(None, "start_time")
    with pytest.raises(InvalidValue, match="not int"):
        parse_runs(None, [5])
    with pytest.raises(InvalidValue, match="not int"):
        parse_runs(0)
