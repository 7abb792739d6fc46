"""`steno.models` as MLflow's users know it: signatures set, infos read and requirements changed by URI."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import steno
from sklearn.linear_model import LinearRegression
from steno.errors import InvalidValue, ModelError, NotFound, SchemaMismatch
from steno.models import Model, ModelSignature, infer_signature
from steno.types.schema import AnyType, Array, ColSpec, DataType, Map, Object, ParamSchema, ParamSpec, Property, Schema

DATA = pd.DataFrame({"x": [0.0, 1.0, 2.0]})
MODEL = LinearRegression().fit(DATA, [0.0, 1.0, 2.0])
SIGNATURE = infer_signature(DATA, MODEL.predict(DATA), {"t": 1.0})


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    steno.set_tracking_uri(f"sqlite:///{tmp_path}/runs.db")
    yield
    steno.set_tracking_uri("")


def logged(**options):
    with steno.start_run() as run:
        info = steno.log_model(MODEL, name="m", **options)
    return run, info


def saved(tmp_path):
    steno.save_model(MODEL, tmp_path / "saved", signature=False)
    return tmp_path / "saved"


def places(tmp_path):
    (run, _), (_, info) = logged(), logged()
    return [f"runs:/{run.info.run_id}/m", info.model_uri, str(saved(tmp_path)), saved(tmp_path / "b").as_uri()]


def test_a_signature_is_set_wherever_a_model_is_and_the_rest_of_it_stays(tmp_path):
    for uri in places(tmp_path):
        before = steno.models.get_model_info(uri)
        assert before.signature is None
        steno.models.set_signature(uri, SIGNATURE)
        info = steno.models.get_model_info(uri)
        assert info.signature == SIGNATURE
        assert (info.flavors, info.utc_time_created) == (before.flavors, before.utc_time_created)
        loaded = steno.pyfunc.load_model(uri)
        assert loaded.predict(DATA).tolist() == pytest.approx([0.0, 1.0, 2.0])
        with pytest.raises(SchemaMismatch, match="missing inputs"):
            loaded.predict(pd.DataFrame({"y": [1.0]}))


def test_a_registered_version_stays_as_it_is():
    _, info = logged(registered_model_name="churn")
    for change in (
        lambda uri: steno.models.set_signature(uri, SIGNATURE),
        lambda uri: steno.models.update_model_requirements(uri, "add", ["x"]),
    ):
        with pytest.raises(InvalidValue, match="stays as it is"):
            change("models:/churn/1")
    assert steno.models.get_model_info("models:/churn/1").registered_model_version == "1"
    assert steno.models.get_model_info("models:/churn/1").model_id == info.model_id
    assert info.signature is None


def test_what_cannot_be_is_said(tmp_path):
    with pytest.raises(NotFound, match="no MLmodel file"):
        steno.models.get_model_info(tmp_path / "nothing")
    with pytest.raises(InvalidValue, match="not dict"):
        steno.models.set_signature(saved(tmp_path), {"inputs": "[]"})
    with pytest.raises(InvalidValue, match="'add' or 'remove'"):
        steno.models.update_model_requirements(tmp_path / "saved", "replace", ["x"])
    with pytest.raises(InvalidValue, match="a list of lines"):
        steno.models.update_model_requirements(tmp_path / "saved", "add", "numpy")
    (tmp_path / "saved" / "requirements.txt").unlink()
    with pytest.raises(ModelError, match="has no requirements"):
        steno.models.update_model_requirements(tmp_path / "saved", "add", ["x"])


def test_requirements_are_added_in_place_of_those_of_the_same_package_and_removed(tmp_path):
    for uri in places(tmp_path):
        steno.models.update_model_requirements(uri, "add", ["scikit_learn>=1.0", "coolname==1.0"])
        lines = requirements(uri)
        assert [line for line in lines if line.lower().startswith(("scikit", "cool"))] == [
            "scikit_learn>=1.0",
            "coolname==1.0",
        ]
        steno.models.update_model_requirements(uri, "remove", ["coolname", "scikit-learn"])
        assert requirements(uri) == [line for line in lines if not line.startswith(("scikit", "cool"))]
        assert steno.pyfunc.load_model(uri).predict(DATA).tolist() == pytest.approx([0.0, 1.0, 2.0])


def requirements(uri):
    with (
        open(steno.pyfunc.get_model_dependencies(uri)) as pip,
        open(steno.pyfunc.get_model_dependencies(uri, format="conda")) as conda,
    ):
        lines = pip.read().splitlines()
        assert all(line in conda.read() for line in lines[-1:])
    return lines


def test_what_a_model_says_of_itself_is_read_from_its_folder_or_file(tmp_path):
    steno.save_model(MODEL, tmp_path / "m", signature=SIGNATURE, input_example=DATA)
    model = Model.load(tmp_path / "m")
    assert Model.load(tmp_path / "m" / "MLmodel") == model
    assert model.get_input_schema() == SIGNATURE.inputs
    assert model.get_output_schema() == SIGNATURE.outputs
    assert model.get_params_schema() == SIGNATURE.params
    assert model.load_input_example(tmp_path / "m").equals(DATA)


def test_a_schema_is_built_by_hand_under_mlflows_names():
    inputs = Schema(
        [
            ColSpec(DataType.double, "x"),
            ColSpec("long", "n", required=False),
            ColSpec(Array(DataType.string), "tags"),
            ColSpec(Object([Property("name", DataType.string), Property("age", "integer", required=False)]), "who"),
            ColSpec(Map(Array("float")), "scores"),
            ColSpec(AnyType(), "rest"),
        ]
    )
    assert inputs.input_names() == ["x", "n", "tags", "who", "scores", "rest"]
    assert inputs.required_input_names() == ["x", "tags", "who", "scores", "rest"]
    assert inputs.optional_input_names() == ["n"]
    assert inputs.input_types()[:2] == ["double", "long"]
    assert inputs.input_dict()["n"].required is False
    assert inputs.input_types_dict()["tags"] == Array("string")
    signature = ModelSignature(inputs, params=ParamSchema([ParamSpec("t", DataType.double, 1.0)]))
    assert ModelSignature.from_dict(json.loads(json.dumps(signature.to_dict()))) == signature


@pytest.mark.parametrize(
    ("build", "cause"),
    [
        (lambda: ColSpec("number", "x"), "'number' is no schema type"),
        (lambda: Object([Property("a", "long"), Property("a", "long")]), "appears twice"),
        (lambda: ColSpec("long", object()), "a column's name"),
    ],
)
def test_a_schema_that_cannot_be_is_refused(build, cause):
    with pytest.raises(InvalidValue, match=cause):
        build()


def test_inputs_are_asked_of_a_schema_and_turned_into_a_request():
    assert steno.models.validate_schema(DATA, SIGNATURE.inputs) is None
    with pytest.raises(SchemaMismatch, match="takes double"):
        steno.models.validate_schema(pd.DataFrame({"x": ["a"]}), SIGNATURE.inputs)
    request = steno.models.convert_input_example_to_serving_input((DATA, {"t": np.float64(2.0)}))
    split = {"columns": ["x"], "data": [[0.0], [1.0], [2.0]]}
    assert json.loads(request) == {"dataframe_split": split, "params": {"t": 2.0}}
    chat = {"messages": [{"role": "user", "content": "hello"}]}
    assert json.loads(steno.models.convert_input_example_to_serving_input(chat)) == chat
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = steno.models.nothing
