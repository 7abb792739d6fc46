"""The filter language for any input: what is printed parses back, and nothing else than FilterError is raised."""

from __future__ import annotations

import contextlib

from hypothesis import example, given
from hypothesis import strategies as st
from steno.errors import FilterError
from steno.queries import And, Compare, Entity, Field, Not, Or, OrderKey, Stat
from steno.tracking.search import (
    format_condition,
    format_order,
    parse_experiments,
    parse_model_versions,
    parse_registered_models,
    parse_runs,
)
from steno.tracking.search.fields import EXPERIMENTS, MEMBERSHIP, MODELS, PRESENCE, RUNS, VERSIONS
from steno.tracking.search.prompts import without_prompts

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    ["'", '"', "`", "''\"", "loss.min", "a b", "and", "NULL", "", "(", "mlflow.source.name"]
)
floats = st.floats(allow_nan=False)
integers = st.integers(-(2**62), 2**62)


@st.composite
def fields(draw, subject):
    entity = draw(st.sampled_from(sorted(set(subject.prefixes.values()))))
    if entity in subject.names:
        names = sorted(name for name, kind in subject.names[entity].items() if kind.operators)
        return Field(entity, draw(st.sampled_from(names)))
    stat = draw(st.sampled_from(Stat)) if entity is Entity.METRIC else Stat.LAST
    return Field(entity, draw(texts.filter(bool)), stat)


@st.composite
def comparisons(draw, subject):
    field = draw(fields(subject))
    kind = subject.kind(field)
    operator = draw(st.sampled_from(kind.operators))
    if operator in PRESENCE:
        return Compare(field, operator)
    if operator in MEMBERSHIP:
        return Compare(field, operator, tuple(draw(st.lists(texts, min_size=1, max_size=3))))
    return Compare(field, operator, draw(floats | integers if kind.is_number else texts))


def several(kind, children):
    """Parts of an And or Or: two or more, none of them of the same kind, which would be flattened."""
    parts = st.lists(children.filter(lambda part: not isinstance(part, kind)), min_size=2, max_size=4)
    return parts.map(lambda found: kind(tuple(found)))


def conditions(subject):
    return st.recursive(
        comparisons(subject),
        lambda inner: inner.map(Not) | several(And, inner) | several(Or, inner),
        max_leaves=8,
    )


@given(conditions(RUNS))
def test_any_condition_on_runs_prints_and_parses_back(condition):
    assert parse_runs(format_condition(condition)) == (condition, ())


@given(conditions(EXPERIMENTS))
def test_any_condition_on_experiments_prints_and_parses_back(condition):
    assert parse_experiments(format_condition(condition)) == (condition, ())


@given(conditions(MODELS))
def test_any_condition_on_models_prints_and_parses_back_less_the_prompts(condition):
    assert parse_registered_models(format_condition(condition)) == (without_prompts(condition), ())


@given(conditions(VERSIONS))
def test_any_condition_on_versions_prints_and_parses_back_less_the_prompts(condition):
    found, _ = parse_model_versions(format_condition(condition))
    assert found == without_prompts(condition)
    assert parse_model_versions(format_condition(found)) == (found, ())


@given(st.lists(fields(RUNS).filter(RUNS.orderable), unique=True, max_size=4), st.booleans())
def test_any_order_prints_and_parses_back(found, ascending):
    keys = tuple(OrderKey(field, ascending) for field in found)
    assert parse_runs(None, [format_order(key) for key in keys]) == (None, keys)


FIELDS = ["metrics.loss", "params.`a b`", 'tags."c"', "status", "dataset.name", "run_id", "`Run Name`", ".min"]
OPERATORS = ["=", "!=", ">=", "LIKE", "IN", "NOT", "AND", "OR", "IS NULL", "IS NOT NULL", "(", ")", ",", ";"]
VALUES = ["'x'", '"y"', "1", "-2.5", "1e9", "`", "'", '"', ".", "--", "é", "\x00", "\n", "('x', 'y')"]
phrases = st.lists(st.sampled_from(FIELDS + OPERATORS + VALUES), min_size=1, max_size=12).map(" ".join)


@given(st.text(max_size=60) | phrases)
@example("metrics.`")
@example("\ud800")
@example("İ = 'x'")
def test_arbitrary_text_parses_or_is_refused_by_a_filter_error(text):
    for parse in (parse_runs, parse_experiments):
        for arguments in ((text,), (None, [text])):
            with contextlib.suppress(FilterError):
                parse(*arguments)


@given(phrases)
def test_what_parses_has_a_canonical_text_that_parses_to_the_same(text):
    try:
        condition, _ = parse_runs(text)
    except FilterError:
        return
    if condition is not None:
        assert parse_runs(format_condition(condition)) == (condition, ())
