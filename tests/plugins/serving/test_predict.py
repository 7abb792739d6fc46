"""`steno models predict`: files in, files out, whole or not at all."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import steno
from click.testing import CliRunner
from steno.cli.root import steno as command_line
from steno.cli.session import Session
from steno_serving import tables_in

from tests.plugins.serving.conftest import COLUMNS

TABLE = pd.DataFrame(np.arange(100.0).reshape(25, 4), columns=COLUMNS)


def run(*words: str, status: int = 0, **given: Any) -> Any:
    found = CliRunner().invoke(command_line, ["models", "predict", *words], obj=Session(), **given)
    assert found.exit_code == status, found.output
    return found


def write(path: Path) -> Path:
    {".csv": lambda: TABLE.to_csv(path, index=False), ".parquet": lambda: TABLE.to_parquet(path, index=False)}.get(
        path.suffix, lambda: path.write_text(json.dumps({"dataframe_split": TABLE.to_dict("split")}))
    )()
    return path


def read(path: Path) -> list[float]:
    if path.suffix == ".json":
        return list(json.loads(path.read_text())["predictions"])
    frame = pd.read_csv(path) if path.suffix == ".csv" else pd.read_parquet(path)
    assert list(frame.columns) == ["prediction"]
    return frame["prediction"].tolist()


@pytest.mark.parametrize("target", ["out.json", "out.csv", "out.parquet"])
@pytest.mark.parametrize("source", ["in.json", "in.csv", "in.parquet"])
def test_any_kind_of_file_becomes_any_other(
    linear: Path, tmp_path: Path, source: str, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables_in, "ROWS", 7)  # so that a table comes in four pieces
    given = write(tmp_path / source)
    run("-m", str(linear), "-i", str(given), "-o", str(tmp_path / target))
    assert read(tmp_path / target) == pytest.approx(TABLE.sum(axis=1).tolist())
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([source, target])


def test_standard_input_and_output_are_the_default(linear: Path) -> None:
    body = json.dumps({"inputs": TABLE[:2].to_dict("records")}).encode()
    assert json.loads(run("-m", str(linear), input=body).stdout)["predictions"] == pytest.approx([6.0, 22.0])
    found = run("-m", str(linear), "-t", "csv", "--output-type", "csv", input=TABLE[:2].to_csv(index=False).encode())
    assert pd.read_csv(io.StringIO(found.stdout))["prediction"].tolist() == pytest.approx([6.0, 22.0])


def test_a_table_without_rows_has_no_predictions(linear: Path, tmp_path: Path) -> None:
    TABLE[:0].to_csv(tmp_path / "in.csv", index=False)
    run("-m", str(linear), "-i", str(tmp_path / "in.csv"), "-o", str(tmp_path / "out.json"))
    assert json.loads((tmp_path / "out.json").read_text()) == {"predictions": []}


def test_an_error_is_one_sentence_and_what_was_there_stays(
    linear: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables_in, "ROWS", 7)
    given, target = tmp_path / "in.csv", tmp_path / "out.csv"
    target.write_text("before")
    given.write_text(TABLE.to_csv(index=False) + "1,2,x,4\n")
    said = run("-m", str(linear), "-i", str(given), "-o", str(target), status=1).output
    assert said.startswith("Error: ")
    assert said.count("\n") == 1
    assert target.read_text() == "before"
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("kind", ["json", "csv", "parquet"])
def test_what_is_no_file_of_its_kind_is_said(linear: Path, kind: str) -> None:
    said = run("-m", str(linear), "-t", kind, input=b"\x00\x01{{", status=1).output
    assert said.startswith("Error: ")
    assert said.count("\n") == 1


def test_predictions_that_are_no_table_go_into_json_only(tmp_path: Path) -> None:
    folder = tmp_path / "model"

    def echo(model_input: list[str]) -> list[str]:
        return {"all": len(model_input)}  # type: ignore[return-value]

    steno.pyfunc.save_model(folder, python_model=echo, input_example=["a"])
    trusted = ["--trusted", "echo"]
    try:
        steno.pyfunc.load_model(folder)
    except steno.errors.UntrustedTypes as error:
        trusted = [word for name in error.types for word in ("--trusted", name)]
    body = b'{"inputs": ["a", "b"]}'
    assert json.loads(run("-m", str(folder), *trusted, input=body).stdout) == {"predictions": {"all": 2}}
    said = run("-m", str(folder), *trusted, "--output-type", "csv", input=body, status=1).output
    assert "write JSON" in said
