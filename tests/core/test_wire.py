"""MLflow's wire as data: what goes out comes back, in every spelling, and what cannot be is told."""

from __future__ import annotations

import math
import types
from typing import get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from steno.errors import AlreadyExists, InvalidValue, NotFound, RunStateError, StoreError, StoreUnavailable
from steno.model_records import LoggedModel, LoggedModelStatus, ModelVersion, RegisteredModel
from steno.records import (
    Dataset,
    DatasetInput,
    Experiment,
    FileInfo,
    InputTag,
    Metric,
    MetricSummary,
    ModelInput,
    ModelOutput,
    Run,
    RunData,
    RunInfo,
    RunInputs,
    RunOutputs,
    Series,
)
from steno.wire import coding, entities, inward, outward
from steno.wire import messages as m
from steno.wire.calls import CALLS
from steno.wire.failures import error_of, failure_of

NAN = math.nan
RUN = Run(
    RunInfo("r", "1", "name", "FAILED", 5, 6, "ann", "s3://x", "deleted"),
    RunData({"a": 1.5, "up": math.inf, "down": -math.inf}, {"p": "", "q": "x"}, {"t": "ü"}),
    RunInputs([DatasetInput(Dataset("n", "d", "t", "s", "", "p"), (InputTag("k", "v"),))], [ModelInput("m-1")]),
    RunOutputs([ModelOutput("m-2", 0)]),
)
POINT = Metric("a", 0.5, 7, -3, "data", "digest", "m-1", "r")
RECORDS = [
    (outward.run, inward.run, RUN),
    (outward.run, inward.run, Run(RunInfo("r", "1", "n"))),
    (outward.experiment, inward.experiment, Experiment("1", "n", "s3://x", "deleted", {"a": "b"}, 3, 4)),
    (outward.model_version, inward.model_version, ModelVersion("n", "2", "s", tags={"a": "b"}, aliases=["c"])),
    (
        outward.registered_model,
        inward.registered_model,
        RegisteredModel("n", "d", {"a": ""}, {"x": "2"}, [ModelVersion("n", "2", "s")], 1, 2),
    ),
    *(
        (
            outward.logged_model,
            inward.logged_model,
            LoggedModel(
                "1", "m-1", "n", "s3://x", 1, 2, "t", "r", status, "said", "active", {"a": "b"}, {"c": "d"}, [POINT]
            ),
        )
        for status in LoggedModelStatus
    ),
]


@pytest.mark.parametrize(("out", "back", "record"), RECORDS)
def test_a_record_goes_out_and_comes_back(out, back, record):
    shown = out(record)
    sent = coding.encode(shown)
    assert b"null" not in sent, "what is unset is left out"
    assert back(msgspec.json.decode(sent, type=type(shown))) == record


def test_a_metric_goes_out_with_its_last_time_and_step():
    summary = MetricSummary(3, 0.5, 9, 77, 0.0, 1, 1.0, 2)
    (shown,) = outward.run_data(RunData({"a": 0.5}, summaries={"a": summary})).metrics
    assert shown == entities.Metric("a", 0.5, 77, 9)


def test_a_folder_and_an_empty_file_have_no_size():
    shown = outward.files([FileInfo("a/b", True), FileInfo("a/c", False, 0), FileInfo("a/d", False, 7)], "a/")
    assert coding.encode(shown) == (
        b'[{"path":"b","is_dir":true},{"path":"c","is_dir":false},{"path":"d","is_dir":false,"file_size":7}]'
    )
    assert inward.files(shown, "a/") == [FileInfo("a/b", True), FileInfo("a/c", False, 0), FileInfo("a/d", False, 7)]


@given(st.lists(st.tuples(st.integers(-(2**63), 2**63 - 1), st.integers(0, 2**63 - 1), st.floats(allow_nan=False))))
def test_every_number_survives(points):
    series = Series("m")
    for step, time_ms, value in points:
        series.append(step, time_ms, value)
    sent = coding.encode(m.MetricsAnswer(metrics=outward.metrics(series, "r")))
    assert inward.series("m", coding.decode(sent, m.MetricsAnswer).metrics) == series


def test_nan_survives_and_text_is_no_number():
    assert coding.double(NAN) == "NaN"
    assert math.isnan(coding.undouble("NaN"))
    with pytest.raises(InvalidValue, match="'much' is no number"):
        coding.undouble("much")


def _of(kind):
    """Messages of a type, every field of it set or not."""
    made = {}
    for field in msgspec.structs.fields(kind):
        optional = types.NoneType in get_args(field.type)
        made[field.name] = st.none() | _values(field.type) if optional else _values(field.type)
    return st.builds(kind, **made)


def _values(kind):
    if isinstance(kind, types.UnionType):
        return st.one_of(*(_values(part) for part in get_args(kind) if part is not types.NoneType))
    if getattr(kind, "__origin__", None) is list:
        return st.lists(_values(get_args(kind)[0]), min_size=1, max_size=2)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return _of(kind)
    plain = {int: st.integers(-(2**63), 2**63 - 1), bool: st.booleans(), float: st.just(0.5)}
    return plain.get(kind, st.text(st.characters(exclude_categories=["Cs"]), max_size=5).map(lambda text: f"x{text}"))


def _camel(value):
    if isinstance(value, dict):
        spelt = {}
        for key, each in value.items():
            first, *others = key.split("_")
            spelt[first + "".join(map(str.title, others))] = _camel(each)
        return spelt
    return [_camel(each) for each in value] if isinstance(value, list) else value


@given(st.data())
def test_what_is_asked_means_the_same_in_a_body_in_camel_case_and_in_a_query(data):
    call = data.draw(st.sampled_from(CALLS))
    ask = data.draw(_of(call.asks))
    assert coding.decode(coding.encode(ask), call.asks) == ask
    assert coding.decode(msgspec.json.encode(_camel(msgspec.to_builtins(ask))), call.asks) == ask
    if call.methods == ("GET",):
        query = coding.encode_query(ask)  # in which a number of a version is a text
        assert coding.encode_query(coding.decode_query(query, call.asks)) == query


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "missing value for required parameter 'key'"),
        (b'{"metrics": [{"value": 1}]}', "missing value for required parameter 'key' of metrics[0]"),
        (b'{"key": 3}', "invalid value for parameter 'key': expected str, got int"),
        (b'{"key": null}', "invalid value for parameter 'key': expected str, got null"),
        (b"[]", "invalid value for the body: expected object, got array"),
        (b"{", "the body is no JSON object"),
        (b'{"x":' * 5000, "the body is no JSON object"),
        (b'{"runId": "a", "run_id": "b", "key": "k"}', "the field 'run_id' is given twice"),
    ],
)
def test_what_is_wrong_with_a_body_is_told(body, told):
    kind = m.LogBatch if b"metrics" in body else m.LogMetric
    with pytest.raises(InvalidValue) as caught:
        coding.decode(body, kind)
    assert told in caught.value.message


@pytest.mark.parametrize("error", [InvalidValue("a"), NotFound("b"), AlreadyExists("c"), StoreUnavailable("d")])
def test_an_error_goes_out_and_comes_back(error):
    status, failure = failure_of(error)
    again = error_of(status, coding.encode(failure), "what was asked")
    assert (type(again), again.message) == (type(error), error.message)


def test_errors_of_others_are_understood():
    assert failure_of(RunStateError("x"))[1].error_code == "INVALID_PARAMETER_VALUE"
    assert type(error_of(502, b"<html>Bad gateway</html>", "GET /x")) is StoreUnavailable
    assert type(error_of(418, b"{}", "GET /x")) is StoreError
    assert error_of(418, b"[", "GET /x").message == "GET /x: the server answered 418"
