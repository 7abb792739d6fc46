"""Verification of logged and registered models: what is written on them, by the command and in the background."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import steno
from click.testing import CliRunner
from steno.cli.root import steno as command_line
from steno.cli.session import Session
from steno.errors import NotFound
from steno.models import untrusted_types
from steno.tracking.models import local_folder
from steno.tracking.verifying import verifier

ARRAY = np.array([[1.0], [2.0]])
SCRIPT = """
import sys, numpy as np, steno
steno.set_tracking_uri(sys.argv[1])
if sys.argv[2] == "run":
    steno.start_run()
model = lambda model_input: model_input.ravel()
print(steno.log_model(model, name="m", flavor="python_function", input_example=np.ones((1, 1)), verify=True).model_id)
"""


def logged(**options: Any) -> Any:
    def double(model_input):
        return model_input.ravel() * 2

    return steno.pyfunc.log_model(name="model", python_model=double, input_example=ARRAY, **options)


def trusted(uri: str) -> list[str]:
    return untrusted_types(local_folder(uri))


def tags(model_id: str) -> dict[str, str]:
    found = steno.get_logged_model(model_id).tags
    return {key.removeprefix("steno."): value for key, value in found.items() if key.startswith("steno.verified")}


def verify(*words: str, status: int = 0) -> Any:
    done = CliRunner().invoke(command_line, ["models", "verify", *words], obj=Session())
    assert done.exit_code == status, done.output
    return done


def test_what_came_of_it_is_on_the_version_and_the_model(tracking: str) -> None:
    with steno.start_run():
        made = logged(registered_model_name="doubles")
    found = steno.verify_model("models:/doubles/1", env_manager="local", trusted=trusted(made.model_uri))
    assert (found.ok, found.what) == (True, "loads and predicts as when it was saved")
    assert found.recorded_on == ("models:/doubles/1", made.model_uri)
    told = tags(made.model_id)
    assert (told["verified"], told["verified_how"]) == ("ok", "loads and predicts as when it was saved")
    assert told["verified_in"].startswith(f"local, Python {sys.version.split()[0]}, steno {steno.__version__}, ")
    assert "T" in told["verified_at"]
    assert steno.Client().get_model_version("doubles", 1).tags["steno.verified"] == "ok"
    query = "tags.`steno.verified` = 'ok'"
    assert [each.model_id for each in steno.search_logged_models(filter_string=query, output_format="list")] == [
        made.model_id
    ]


def test_a_model_of_a_run_and_a_mere_folder(tracking: str, tmp_path: Path) -> None:
    with steno.start_run() as run:
        made = logged()
    uri = f"runs:/{run.info.run_id}/model"
    assert steno.verify_model(uri, env_manager="local").recorded_on == (made.model_uri,)
    assert tags(made.model_id)["verified"] == "no"
    assert "types that are not trusted" in tags(made.model_id)["verified_how"]
    folder = local_folder(uri)
    assert steno.verify_model(folder, env_manager="local", trusted=trusted(uri)).ok
    assert tags(made.model_id)["verified"] == "no"
    with pytest.raises(NotFound):
        steno.verify_model(tmp_path / "gone", env_manager="local")


def test_the_command_says_it_in_a_sentence_and_by_its_status(tracking: str) -> None:
    with steno.start_run():
        uri = logged().model_uri
    said = verify(uri, "--env", "local", status=1)
    assert said.stdout == ""
    assert said.stderr.startswith(f"Error: {uri} holds types that are not trusted: ")
    assert said.stderr.count("\n") == 1
    words = [word for name in trusted(uri) for word in ("--trusted", name)]
    told = verify(uri, "--env-manager", "local", *words)
    assert told.stdout.startswith(f"{uri} loads and predicts as when it was saved (local, Python ")
    found = json.loads(verify(uri, "--env", "local", "--json", "--no-record", status=1).stdout)
    assert (found["ok"], found["recorded_on"]) == (False, [])
    assert tags(uri.removeprefix("models:/"))["verified"] == "ok"
    assert "no-such" in verify("models:/m-no-such", status=1).stderr


def test_an_environment_that_cannot_be_made_is_why_not(tracking: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STENO_ENV_ROOT", "environments")
    with steno.start_run():
        made = logged()
    (local_folder(made.model_uri) / "python_env.yaml").write_text("python: [")
    said = verify(made.model_uri, status=1).stderr
    assert said.startswith(f"Error: {made.model_uri} has an environment that cannot be made: ")
    assert said.count("\n") == 1
    assert tags(made.model_id)["verified"] == "no"
    assert not Path("environments").exists()


def test_a_model_is_tried_once_its_run_has_ended(tracking: str, wait: Callable[..., None]) -> None:
    with steno.start_run():
        made = logged(verify=True, registered_model_name="doubles")
        time.sleep(2.5)  # longer than it takes to try it
        assert tags(made.model_id)["verified"] == "not yet"
        assert verifier.pending() == 1
    wait(lambda: not verifier.pending(), 60)
    assert tags(made.model_id)["verified_how"] == "loads and predicts as when it was saved"
    assert steno.Client().get_model_version("doubles", 1).tags["steno.verified"] == "ok"


@pytest.mark.parametrize("way", ["run", "no run"])
def test_the_end_of_the_process_waits_for_it(tracking: str, tmp_path: Path, way: str) -> None:
    command = [sys.executable, "-c", SCRIPT, tracking, way]
    environment = {**os.environ, "STENO_EXIT_TIMEOUT_S": "60"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=100, check=True)
    assert tags(done.stdout.strip())["verified"] == "ok"
    assert done.stderr == ""


def test_what_was_not_tried_says_so_and_leaves_no_process(tracking: str, tmp_path: Path) -> None:
    command = [sys.executable, "-c", SCRIPT, tracking, "run"]
    environment = {**os.environ, "STENO_EXIT_TIMEOUT_S": "0.01"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=100, check=True)
    model_id = done.stdout.strip()
    assert tags(model_id)["verified"] == "not yet"
    assert "`steno models verify` tries it" in tags(model_id)["verified_how"]
    assert "1 model(s) could not be verified before the process ended" in done.stderr
    assert f"steno models verify models:/{model_id}" in done.stderr
    command_lines = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]
    assert not [line for line in command_lines if b"verification_child" in line and str(tmp_path).encode() in line]


def test_what_goes_wrong_in_the_background_reaches_nobody(tracking: str, caplog: pytest.LogCaptureFixture) -> None:
    with steno.start_run():
        made = logged(verify=True)
        steno.Client().delete_logged_model(made.model_id)
    assert verifier.wait(60)
    assert f"the model {made.model_id} could not be verified" in caplog.text
