"""What the filter language refuses: where it points and what it advises."""

from __future__ import annotations

import pytest
from steno.errors import FilterError
from steno.tracking.search import parse_experiments, parse_runs
from steno.tracking.search.parser import MAX_CONDITIONS, MAX_DEPTH, MAX_LENGTH
from steno.tracking.search.terms import MAX_LIST


def refusal(text, parse=parse_runs):
    with pytest.raises(FilterError) as caught:
        parse(text)
    return caught.value


@pytest.mark.parametrize(
    ("text", "position", "advice"),
    [
        ("   ", 3, "blank"),
        ("status = FINISHED", 9, "texts need quotes: 'FINISHED'"),
        ("status = `FINISHED`", 9, "texts need quotes: 'FINISHED'"),
        ("params.a = 5", 11, "texts need quotes: '5'"),
        ("params.a = -.5", 11, "texts need quotes: '-.5'"),
        ("metrics.a = '5'", 12, "without quotes"),
        ("start_time > '5'", 13, "without quotes"),
        ("metrics.a > +5", 12, "a number for metrics.`a`"),
        ("metrics.a > nan", 12, "found 'nan'"),
        ("metrics.a > 5x", 12, "found '5x'"),
        ("metrics.a > 1.2.3", 12, "found '1.2.3'"),
        ("metrics.a == 5", 10, "write ="),
        ("metrics.a <> 5", 10, "write !="),
        ("metrics.a BETWEEN 1 AND 2", 10, "a >= 1 AND a <= 2"),
        ("metrics.a LIKE '5'", 10, "it takes = != > >= < <="),
        ("metrics.a IS NULL", 10, "it takes"),
        ("params.a > '5'", 9, "it takes = != LIKE ILIKE IS NULL IS NOT NULL"),
        ("params.a IN ('x')", 9, "it takes"),
        ("tags.a NOT IN ('x')", 7, "it takes"),
        ("params.a NOT LIKE 'x'", 9, "NOT before the field"),
        ("params.a RLIKE 'x'", 9, "use LIKE"),
        ("status IS NULL", 7, "it takes = != LIKE ILIKE"),
        ("status IN ('x')", 7, "it takes"),
        ("run_id IN ()", 11, "a quoted text"),
        ("run_id IN 'x'", 10, "a list: ('a', 'b')"),
        ("run_id IN ('x' 'y')", 15, "',' or ')'"),
        ("run_id IN ('x',)", 15, "a quoted text"),
        ("run_id IN (5)", 11, "'5'"),
        ("duration > 5", 0, "unknown attribute 'duration'; known: run_id, run_name"),
        ("experiment_id = '5'", 0, "unknown attribute"),
        ("attribute.lifecycle_stage = 'x'", 10, "unknown attribute"),
        ("loss > 5", 0, "Anything else needs its prefix"),
        ("Metrics.a > 5", 0, "unknown prefix 'Metrics'; known: metrics"),
        ("dataset.source = 'x'", 8, "unknown dataset 'source'; known: name, digest, context"),
        ("dataset.created = 'x'", 8, "unknown dataset"),
        ("metrics. a > 5", 8, "a key is missing after 'metrics'"),
        ("metrics.`` > 5", 8, "a key is missing"),
        ("params.'a' = 'x'", 7, "a key is missing"),
        ("metrics.a-b > 5", 9, "quote a key"),
        ("metrics.`a`.median > 5", 12, "one of count last max min step"),
        ("metrics.`a`b > 5", 11, "one of = != > >= < <="),
        ("metrics.`a > 5", 8, "a key is missing"),
        ("status = 'FINISHED", 9, "is a closing quote missing?"),
        ("status = 'a''", 9, "is a closing quote missing?"),
        ("5 < metrics.a", 0, "unknown attribute '5'"),
        ("'status' = 'x'", 0, "a field such as metrics.loss"),
        ("status = 'x'; drop table runs", 12, "one filter"),
        ("status = 'x';", 12, "one filter"),
        ("status = 'x' -- y", 13, "AND, OR or the end"),
        ("status = 'x', user_id = 'y'", 12, "joined by AND or OR"),
        ("status = 'x' user_id = 'y'", 13, "AND, OR or the end"),
        ("(status = 'x'", 13, "AND, OR or ')'"),
        ("status = 'x')", 12, "AND, OR or the end"),
        ("()", 1, "a field such as"),
        ("NOT", 3, "found the end"),
        ("status", 6, "found the end"),
        ("status =", 8, "found the end"),
        ("start_time > 9223372036854775808", 13, "whole numbers below 2**63"),
        ("metrics.a.count > 9223372036854775808", 18, "whole numbers below 2**63"),
    ],
)
def test_a_refusal_points_at_the_place_and_names_the_remedy(text, position, advice):
    error = refusal(text)
    assert error.position == position
    assert advice in error.message
    assert (error.text, error.error_code) == (text, "INVALID_PARAMETER_VALUE")


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("attributes.name = 'x'", "unknown prefix 'attributes'; known: tags, tag, attribute"),
        ("metrics.a > 5", "unknown prefix 'metrics'"),
        ("name IN ('a')", "it takes = != LIKE ILIKE"),
        ("experiment_id LIKE 'a'", "it takes = != IN NOT IN"),
        ("experiment_id = 5", "texts need quotes: '5'"),
        ("creation_time > 'x'", "without quotes"),
        ("status = 'x'", "known: name, experiment_id, creation_time, last_update_time"),
    ],
)
def test_experiments_refuse_what_only_runs_have(text, advice):
    assert advice in refusal(text, parse_experiments).message


@pytest.mark.parametrize(
    ("keys", "advice"),
    [
        ([""], "found the end"),
        (["start_time, end_time"], "an element of order_by of its own"),
        (["start_time DOWN"], "ASC, DESC or the end"),
        (["start_time ASC DESC"], "ASC, DESC or the end"),
        (["dataset.name"], "cannot be ordered by dataset.name"),
        (["metrics.a", "end_time", "metric.`a` DESC"], "twice"),
        (["created", "start_time"], "twice"),
        (["duration"], "unknown attribute"),
    ],
)
def test_an_order_that_makes_no_sense_is_refused(keys, advice):
    with pytest.raises(FilterError) as caught:
        parse_runs(None, keys)
    assert advice in caught.value.message


def test_experiments_are_not_ordered_by_tags():
    with pytest.raises(FilterError, match="cannot be ordered by"):
        parse_experiments(None, ["tags.a"])


def test_nesting_is_bounded():
    condition = "metrics.a > 1"
    deepest = "(" * MAX_DEPTH + condition + ")" * MAX_DEPTH
    assert parse_runs(deepest) == parse_runs(condition)
    for opening in ["(", "NOT ", "NOT ("]:
        assert "nested more than" in refusal(opening * 60_000 + condition).message


def test_depth_is_counted_inward_not_along():
    flat = " AND ".join(["(metrics.a > 1)", "NOT metrics.a > 1"] * MAX_DEPTH)
    assert len(parse_runs(flat)[0].parts) == 2 * MAX_DEPTH


def test_the_number_of_conditions_is_bounded():
    many = ["metrics.a > 1"] * MAX_CONDITIONS
    assert len(parse_runs(" OR ".join(many))[0].parts) == MAX_CONDITIONS
    assert "conditions" in refusal(" OR ".join([*many, "metrics.a > 1"])).message


def test_lists_and_texts_are_bounded():
    values = ["'a'"] * MAX_LIST
    assert len(parse_runs(f"run_id IN ({','.join(values)})")[0].value) == MAX_LIST
    assert "values in a list" in refusal(f"run_id IN ({','.join(values)}, 'a')").message
    error = refusal("x" * (MAX_LENGTH + 1))
    assert "longer than" in error.message
    assert len(error.message) < 500


@pytest.mark.parametrize("hostile", ["9" * 400_000 + "x", "'" * 399_999, "`a" * 200_000, "a." * 200_000, " " * 400_000])
def test_long_nonsense_is_refused_in_linear_time(hostile):
    # Quadratic matching would take hours here, and the suite's timeout would end it.
    for text in [hostile, f"metrics.a > {hostile}", f"params.a = {hostile}", f"params.{hostile}"]:
        refusal(text)


def test_half_a_surrogate_pair_is_no_text():
    assert "surrogate" in refusal("params.a = '\ud800'").message
