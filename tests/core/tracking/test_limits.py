"""What may be recorded, as limits-and-validation §1, 2, 4, 5 and 6 say; what is refused names key and remedy."""

from __future__ import annotations

import decimal
import fractions
import math

import numpy as np
import pytest
import steno
import steno.errors
from hypothesis import given
from hypothesis import strategies as st
from steno.errors import InvalidValue, ParamConflict
from steno.records import Metric, Param, RunTag
from steno.tracking import limits

GOOD_KEYS = ["a", "a/b", "a.b-c_d e:f", "größe", "損失", "1", "-", "a..b", "x" * 250, "_", ".hidden", "a b"]
BAD_KEYS = ["", "x" * 251, "a//b", "a/./b", "a/../b", "a/", "/a", ".", "..", "../a", "a\nb", "a\n", "a?", "a\0", "a,b",
            "a=b", "é́\ud800", "a\\b", None, 3, b"a", ("a",)]  # fmt: skip


@pytest.mark.parametrize("key", GOOD_KEYS)
def test_a_good_key_is_kept_for_metrics_params_and_tags(tracking, key):
    with steno.start_run() as run:
        steno.log_metric(key, 1.0)
        steno.log_param(key, "p")
        steno.set_tag(key, "t")
    data = steno.get_run(run.run_id).data
    assert (data.metrics[key], data.params[key], data.tags[key]) == (1.0, "p", "t")


@pytest.mark.parametrize("key", BAD_KEYS, ids=repr)
def test_a_bad_key_is_refused_everywhere_and_loses_nothing(tracking, key):
    client = steno.Client()
    with steno.start_run() as run:
        for log in (
            lambda: steno.log_metric(key, 1.0),
            lambda: steno.log_param(key, 1),
            lambda: steno.set_tag(key, 1),
            lambda: client.log_metric(run.run_id, key, 1.0),
            lambda: client.log_param(run.run_id, key, 1),
            lambda: client.set_tag(run.run_id, key, 1),
            lambda: client.log_batch(run.run_id, [Metric(key, 1.0, 1)]),
        ):
            with pytest.raises(InvalidValue, match="key"):
                log()
        steno.log_metric("good", 1.0)
    data = steno.get_run(run.run_id).data
    assert (data.metrics, data.params) == ({"good": 1.0}, {})


def test_a_key_that_is_a_list_is_refused_as_any_other(tracking):
    with steno.start_run(), pytest.raises(InvalidValue, match="key is text, not list"):
        steno.log_metric(["loss"], 1.0)


@pytest.mark.parametrize("bad", ["a//b", "x" * 251, "a?"])
def test_one_bad_key_among_good_ones_keeps_all_of_them_out(tracking, bad):
    with steno.start_run() as run:
        for log in (steno.log_metrics, steno.log_params, steno.set_tags):
            with pytest.raises(InvalidValue):
                log({"good": 1.0, bad: 2.0})
    data = steno.get_run(run.run_id).data
    assert (data.metrics, data.params, "good" in data.tags) == ({}, {}, False)


@given(st.text(max_size=20))
def test_a_key_is_taken_or_refused_and_nothing_else(key):
    try:
        found = limits.check_key("metric", key)
    except InvalidValue:
        found = key
    assert found == key


NUMBERS = [
    1,
    True,
    np.float32(0.5),
    np.float64(0.5),
    np.int64(-3),
    np.uint8(200),
    np.bool_(True),
    np.float16(0.5),
    np.array(2.5),
    np.array([2.5]),
    np.array([[2]]),
    decimal.Decimal("0.25"),
    fractions.Fraction(1, 4),
    2**1000,
    -(2**63) - 1,
    5e-324,
    -0.0,
]


@pytest.mark.parametrize("value", NUMBERS, ids=repr)
def test_a_number_of_any_kind_is_kept_as_a_float(tracking, value):
    expected = float(value.item()) if isinstance(value, np.ndarray) else float(value)
    with steno.start_run() as run:
        steno.log_metric("one", value)
        steno.log_metrics({"many": value})
        steno.Client().log_metric(run.run_id, "client", value)
    metrics = steno.get_run(run.run_id).data.metrics
    assert metrics == {"one": expected, "many": expected, "client": expected}
    (point,) = steno.Client().get_metric_history(run.run_id, "one")
    assert math.copysign(1, point.value) == math.copysign(1, expected)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_kept(tracking, value):
    with steno.start_run() as run:
        steno.log_metric("odd", value)
        steno.log_metrics({"odd": value, "other": value}, step=1)
    data = steno.get_run(run.run_id).data
    (first, second) = steno.Client().get_metric_history(run.run_id, "odd")
    for found in (data.metrics["odd"], data.metrics["other"], first.value, second.value):
        assert found == value or (math.isnan(found) and math.isnan(value))


NOT_NUMBERS = [
    "1.0",
    b"1",
    None,
    [1.0],
    (1.0,),
    {},
    object(),
    1j,
    np.array([1.0, 2.0]),
    np.array([]),
    np.str_("1"),
    np.complex128(1j),
    np.datetime64("2020-01-01"),
    10**400,
    float,
]


@pytest.mark.parametrize("value", NOT_NUMBERS, ids=lambda value: type(value).__name__)
def test_what_is_no_number_is_refused_with_the_keys_name(tracking, value):
    with steno.start_run() as run:
        for log in (
            lambda: steno.log_metric("the/key", value),
            lambda: steno.log_metrics({"fine": 1.0, "the/key": value}),
            lambda: steno.Client().log_metric(run.run_id, "the/key", value),
        ):
            with pytest.raises(InvalidValue, match="'the/key'"):
                log()
    assert steno.get_run(run.run_id).data.metrics == {}


@pytest.mark.parametrize("step", [0, -5, 2**63 - 1, -(2**63), np.int32(7), 3.0, True])
def test_any_whole_step_is_kept(tracking, step):
    with steno.start_run() as run:
        steno.log_metric("m", 1.0, step)
        steno.log_metrics({"m": 1.0}, step)
    assert [m.step for m in steno.Client().get_metric_history(run.run_id, "m")] == [int(step)] * 2


@pytest.mark.parametrize("step", [1.5, "1", 2**63, math.nan, math.inf, [1], object()])
def test_a_step_that_is_not_whole_is_refused(tracking, step):
    with steno.start_run():
        for log in (lambda: steno.log_metric("m", 1.0, step), lambda: steno.log_metrics({"m": 1.0}, step)):
            with pytest.raises(InvalidValue, match="step"):
                log()


def test_step_is_0_and_the_time_is_now_by_default(tracking):
    import time

    before = time.time_ns() // 1_000_000
    with steno.start_run() as run:
        steno.log_metric("m", 1.0)
        steno.log_metric("m", 1.0, timestamp=5)
    first, second = steno.Client().get_metric_history(run.run_id, "m")
    assert (first.step, second.step, second.timestamp) == (0, 0, 5)
    assert before <= first.timestamp <= time.time_ns() // 1_000_000


@pytest.mark.parametrize("timestamp", [-1, 1.5, "now", 2**63])
def test_a_bad_timestamp_is_refused(tracking, timestamp):
    with steno.start_run(), pytest.raises(InvalidValue, match="timestamp"):
        steno.log_metric("m", 1.0, timestamp=timestamp)


def test_the_last_value_is_that_of_the_highest_step(tracking):
    with steno.start_run() as run:
        for step, value in ((5, 50.0), (1, 10.0), (3, 30.0)):
            steno.log_metric("m", value, step)
    assert steno.get_run(run.run_id).data.metrics == {"m": 50.0}
    assert [m.step for m in steno.Client().get_metric_history(run.run_id, "m")] == [5, 1, 3]


def test_a_long_param_or_tag_is_cut_with_a_warning(tracking, caplog):
    with steno.start_run() as run:
        steno.log_param("p", "x" * 6001)
        steno.set_tag("t", "y" * 8001)
        steno.Client().log_param(run.run_id, "q", "z" * 7000)
    data = steno.get_run(run.run_id).data
    assert (data.params, data.tags["t"]) == ({"p": "x" * 6000, "q": "z" * 6000}, "y" * 8000)
    assert [r.getMessage() for r in caplog.records if "cut" in r.getMessage()] == [
        "param 'p' is 6001 characters long and was cut to 6000",
        "tag 't' is 8001 characters long and was cut to 8000",
        "param 'q' is 7000 characters long and was cut to 6000",
    ]


def test_a_long_param_or_tag_is_refused_where_that_was_asked_for(tracking, monkeypatch):
    monkeypatch.setenv("STENO_TRUNCATE_LONG_VALUES", "false")
    with steno.start_run() as run:
        steno.log_param("fits", "x" * 6000)
        for log in (
            lambda: steno.log_param("p", "x" * 6001),
            lambda: steno.set_tag("t", "y" * 8001),
            lambda: steno.Client().log_param(run.run_id, "p", "z" * 7000),
        ):
            with pytest.raises(InvalidValue, match="characters long"):
                log()
    assert steno.get_run(run.run_id).data.params == {"fits": "x" * 6000}


@pytest.mark.parametrize("value", ["", None, 1.5, True, [1, 2], {"a": 1}, "ü\n", np.float32(0.5), "\ud800 half"])
def test_any_param_is_kept_as_text(tracking, value):
    with steno.start_run() as run:
        assert steno.log_param("p", value) is value
        steno.set_tag("t", value)
    expected = str(value).encode("utf-8", "backslashreplace").decode()
    data = steno.get_run(run.run_id).data
    assert (data.params["p"], data.tags["t"]) == (expected, expected)


def test_a_param_cannot_change_but_may_be_logged_again(tracking):
    with steno.start_run() as run:
        steno.log_param("lr", 0.1)
        steno.log_param("lr", "0.1")
        with pytest.raises(ParamConflict, match=r"already '0\.1' and cannot become '0\.2'") as caught:
            steno.log_params({"new": 1, "lr": 0.2})
        assert (caught.value.key, caught.value.old, caught.value.new) == ("lr", "0.1", "0.2")
        assert caught.value.error_code == "INVALID_PARAMETER_VALUE"
    assert steno.get_run(run.run_id).data.params == {"lr": "0.1"}


def test_a_param_of_a_resumed_run_cannot_change_either(tracking):
    with steno.start_run() as run:
        steno.log_param("lr", 0.1)
    with steno.start_run(run_id=run.run_id), pytest.raises(ParamConflict):
        steno.log_param("lr", 0.2)
    with pytest.raises(ParamConflict):
        steno.Client().log_param(run.run_id, "lr", 0.3)


def test_a_param_given_twice_in_one_batch_is_refused(tracking):
    with steno.start_run() as run, pytest.raises(InvalidValue, match="twice"):
        steno.Client().log_batch(run.run_id, params=[Param("a", "1"), Param("a", "1")])


def test_tags_are_replaced_and_deleted(tracking):
    with steno.start_run() as run:
        steno.set_tags({"a": 1, "b": 1, "mlflow.user": "me"})
        steno.set_tag("a", 2)
        steno.delete_tag("b")
        with pytest.raises(steno.errors.NotFound, match="'b'"):
            steno.delete_tag("b")
        steno.set_tag("a", 3)
    tags = steno.get_run(run.run_id).data.tags
    assert (tags["a"], "b" in tags, tags["mlflow.user"]) == ("3", False, "me")


def test_a_batch_is_of_any_size_and_all_or_nothing(tracking):
    client = steno.Client()
    run_id = client.create_run("0").info.run_id
    metrics = [Metric("m", float(n), n, n) for n in range(5000)]
    params = [Param(f"p{n}", str(n)) for n in range(500)]
    tags = [RunTag(f"t{n}", str(n)) for n in range(500)]
    client.log_batch(run_id, metrics, params, tags)
    with pytest.raises(ParamConflict):
        client.log_batch(
            run_id, [Metric("late", 1.0, 1)], [Param("new", "1"), Param("p7", "other")], [RunTag("x", "1")]
        )
    data = client.get_run(run_id).data
    assert (len(data.params), data.summaries["m"].count, "late" in data.metrics) == (500, 5000, False)
    assert "x" not in data.tags
    assert data.tags["t499"] == "499"


@pytest.mark.parametrize("name", ["", "  ", None, 3, "x" * 501])
def test_a_bad_experiment_name_is_refused(tracking, name):
    with pytest.raises(InvalidValue, match="experiment"):
        steno.create_experiment(name)


def test_experiment_tags_have_their_own_length_and_are_never_cut(tracking):
    experiment_id = steno.create_experiment("e", tags={"a": "x" * 20_000})
    with pytest.raises(InvalidValue, match="20001"):
        steno.Client().set_experiment_tag(experiment_id, "b", "x" * 20_001)
    assert list(steno.get_experiment(experiment_id).tags) == ["a"]


@pytest.mark.parametrize("run_id", ["", "-a", "a b", "../x", "a" * 257, 3])
def test_a_bad_run_id_is_refused(tracking, run_id):
    with pytest.raises(InvalidValue, match="no run id"):
        steno.get_run(run_id)
