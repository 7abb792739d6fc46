"""A stranger's distribution, built as a wheel and installed beside steno, takes part in runs as if it shipped here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

PLUGIN = Path(__file__).resolve().parents[2] / "examples/third_party_plugin"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

TRACK = """
import steno

with steno.start_run(run_name="quiet", tags={"team": "red"}) as run:
    steno.log_params({"api_key": "sk-12345", "rate": 0.1})
    steno.set_tag("password", "hunter2")
recorded = steno.get_run(run.info.run_id)
print(recorded.data.params)
print(recorded.data.tags)
"""

FAIL = """
import steno

with steno.start_run():
    raise ValueError("the training broke")
"""

LOAD = """
import numpy as np
import steno
from sklearn.linear_model import LinearRegression
from sklearn.preprocessing import FunctionTransformer
from sklearn.pipeline import make_pipeline


def double(X):
    return 2 * X


X = np.arange(6.0).reshape(3, 2)
plain = LinearRegression().fit(X, X[:, 0])
own = make_pipeline(FunctionTransformer(double), LinearRegression()).fit(X, X[:, 0])
steno.sklearn.save_model(plain, "plain")
steno.sklearn.save_model(own, "own")
print("plain predicts", steno.sklearn.load_model("plain").predict(X).shape)
try:
    steno.sklearn.load_model("own")
except steno.errors.ModelError as error:
    print("refused:", error)
"""

REGISTER = """
import numpy as np
import steno
from sklearn.linear_model import LinearRegression

X = np.arange(6.0).reshape(3, 2)
with steno.start_run():
    steno.sklearn.log_model(LinearRegression().fit(X, X[:, 0]), name="model", registered_model_name="toy")
steno.Client().transition_model_version_stage("toy", 1, "Production")
"""

CONTAIN = """
import sys
import types

import steno
from steno.contracts.integration import Patch
from steno.plugins import plugins

training = types.ModuleType("training")
exec("def fit(): return 42", training.__dict__)
sys.modules["training"] = training


def advice(call):
    call.run.log_param("begun", 1)
    yield
    raise KeyError("the advice broke")


class Integration:
    name = "training"
    modules = ("training",)

    def patches(self, module):
        yield Patch("fit", advice)


training.integration = Integration()
plugins().integrations.plugin = "here"
plugins().integrations("training", "training:integration", when="training")
steno.autolog()
print("fit returned", training.fit())
"""


@pytest.fixture(scope="module")
def audited(pristine: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """An environment with steno and the plugin, built into a wheel first; it is copied and stays as it is."""
    folder = tmp_path_factory.mktemp("audited")
    environment = pristine.copied(folder / "venv")
    environment.python("-m", "pip", "wheel", "--wheel-dir", folder / "wheels", PLUGIN, cwd=folder)
    environment.install(next((folder / "wheels").glob("steno_audit-1.0.0-*.whl")))
    return environment


@pytest.fixture
def beside(audited: Any, tmp_path: Path) -> Any:
    """A fresh environment with steno and the plugin."""
    return audited.copied(tmp_path / "beside")


def events(folder: Path) -> list[dict[str, Any]]:
    """The lines of the audit trail."""
    return [json.loads(line) for line in (folder / "steno-audit.jsonl").read_text("utf-8").splitlines()]


def test_the_plugin_is_one_module_under_100_lines() -> None:
    modules = list(PLUGIN.rglob("*.py"))
    assert len(modules) == 1
    assert len(modules[0].read_text("utf-8").splitlines()) < 100


def test_steno_plugins_names_the_plugin(beside: Any, tmp_path: Path) -> None:
    listed = beside.run("steno", "plugins", cwd=tmp_path).stdout
    assert "audit" in listed
    assert "steno-audit" in listed
    assert "failed:" not in listed


def test_steno_before_write_keeps_secrets_out_of_the_store(beside: Any, tmp_path: Path) -> None:
    said = beside.python("-c", TRACK, cwd=tmp_path).stdout
    assert "'api_key': '[secret]'" in said
    assert "'password': '[secret]'" in said
    assert "'rate': '0.1'" in said
    kept = b"".join(path.read_bytes() for path in (tmp_path / "stenoruns").glob("steno.db*"))
    assert b"hunter2" not in kept
    assert b"sk-12345" not in kept


def test_steno_run_tags_name_the_machine_and_the_users_tags_stay(beside: Any, tmp_path: Path) -> None:
    said = beside.python("-c", TRACK, cwd=tmp_path).stdout
    assert "'audit.host': " in said
    assert "'audit.platform': " in said
    assert "'team': 'red'" in said


def test_steno_run_started_and_ended_leave_a_line_each(beside: Any, tmp_path: Path) -> None:
    beside.python("-c", TRACK, cwd=tmp_path)
    started, ended = events(tmp_path)
    assert (started["event"], ended["event"]) == ("run_started", "run_ended")
    assert started["run_id"] == ended["run_id"]


def test_steno_run_ended_sees_what_ended_the_run(beside: Any, tmp_path: Path) -> None:
    done = beside.python("-c", FAIL, cwd=tmp_path, check=False)
    assert "ValueError: the training broke" in done.stderr
    assert events(tmp_path)[-1]["error"] == "ValueError"


def test_steno_integration_failed_sees_what_was_contained(beside: Any, tmp_path: Path) -> None:
    said = beside.python("-c", CONTAIN, cwd=tmp_path).stdout
    assert "fit returned 42" in said
    (failed,) = [event for event in events(tmp_path) if event["event"] == "integration_failed"]
    assert (failed["integration"], failed["target"]) == ("training", "fit")
    assert "the advice broke" in failed["error"]


def test_steno_model_saved_sees_each_model(beside: Any, tmp_path: Path) -> None:
    beside.python("-c", LOAD, cwd=tmp_path)
    assert [event["event"] for event in events(tmp_path)].count("model_saved") == 2


def test_steno_before_model_load_refuses_what_nobody_vouched_for(beside: Any, tmp_path: Path) -> None:
    said = beside.python("-c", LOAD, cwd=tmp_path).stdout
    assert "plain predicts (3,)" in said
    assert "refused: " in said
    (refused,) = [event for event in events(tmp_path) if event["event"] == "model_refused"]
    assert any("double" in name for name in refused["types"])


def test_steno_model_version_changed_sees_what_moves(beside: Any, tmp_path: Path) -> None:
    beside.python("-c", REGISTER, cwd=tmp_path)
    moved = [event for event in events(tmp_path) if event["event"] == "model_version_changed"]
    assert [(each["before"], each["after"]) for each in moved] == [
        (None, "toy/1: None"),
        ("toy/1: None", "toy/1: Production"),
    ]


def test_steno_register_commands_adds_a_command(beside: Any, tmp_path: Path) -> None:
    beside.python("-c", TRACK, cwd=tmp_path)
    assert "audit" in beside.run("steno", "--help", cwd=tmp_path).stdout
    printed = beside.run("steno", "audit", cwd=tmp_path).stdout
    assert printed == (tmp_path / "steno-audit.jsonl").read_text("utf-8")


def test_without_the_plugin_nothing_of_it_remains(beside: Any, tmp_path: Path) -> None:
    beside.python("-m", "pip", "uninstall", "--yes", "steno-audit", cwd=tmp_path)
    said = beside.python("-c", TRACK, cwd=tmp_path).stdout
    assert "sk-12345" in said
    assert not (tmp_path / "steno-audit.jsonl").exists()
