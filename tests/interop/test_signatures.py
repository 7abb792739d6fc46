"""Signatures and examples are those of the real MLflow for the same samples; where steno takes more, it is said why."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).parent / "signatures" / "describe.py"

# Integers with None among them stay integers, for which there is a type with room for what is missing; and a list that
# is empty is not one that is missing.
DESCRIBED_OTHERWISE = {"numbers with a gap", "dicts of lists"}
# MLflow turns flags and empty lists into numbers, and calls integers beside a None doubles.
REFUSED = {
    f"{declared} <- {given}"
    for declared in (
        "float64",
        "Float64 with a gap",
        "float with a gap",
        "whole float with a gap",
        "numbers with a gap",
    )
    for given in ("flags with a gap", "empty")
} | {f"numbers with a gap <- {given}" for given in ("float64", "float with a gap", "Float64 with a gap")}
# What steno takes beyond, without a change of its values: nullable types, categories, moments as text.
TAKEN_BEYOND = {
    "Int64 with a gap",
    "Int32 with a gap",
    "boolean with a gap",
    "whole float with a gap",
    "numbers with a gap",
    "category",
    "category of numbers",
    "ISO text",
}
TAKEN = {"numbers with a gap <- int64", "numbers with a gap <- Int64", "arrays <- lists of floats"}


def of(interpreter: str, name: str, folder: Path) -> dict[str, Any]:
    """What a library says of every sample."""
    done = subprocess.run(
        [interpreter, "-W", "ignore", str(SCRIPT), name, str(folder)],
        cwd=folder,
        env={**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"},
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads((folder / f"{name}.json").read_text())
    return found


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_samples_are_described_taken_and_kept_as_mlflow_does(peer: str, tmp_path: Path) -> None:
    theirs, ours = of(peer, "mlflow", tmp_path), of(sys.executable, "steno", tmp_path)
    described = {name for name in theirs["described"] if theirs["described"][name] != ours["described"][name]}
    assert described == DESCRIBED_OTHERWISE
    assert {name for name, taken in theirs["taken"].items() if taken and not ours["taken"][name]} == REFUSED
    beyond = {name for name, taken in ours["taken"].items() if taken and not theirs["taken"][name]} - TAKEN
    assert {name.partition(" <- ")[2] for name in beyond} <= TAKEN_BEYOND
    # A sparse example has no request: to write one, all its zeros would be.
    assert ours["kept"].pop("sparse")["file"] == theirs["kept"].pop("sparse")["file"]
    assert ours["kept"] == theirs["kept"]
