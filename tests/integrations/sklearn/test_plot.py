"""`steno plot`: pictures are drawn when somebody looks, from what the run keeps as data."""

from __future__ import annotations

import json
import sys

import pytest
import steno
from click.testing import CliRunner
from sklearn.ensemble import RandomForestClassifier
from steno.cli.root import steno as command
from steno.cli.session import Session


def plot(*arguments: str, expect: int = 0) -> str:
    done = CliRunner().invoke(command, ["plot", *arguments], obj=Session())
    assert done.exit_code == expect, done.output
    return done.output


@pytest.fixture
def run_id(autolog):
    RandomForestClassifier(3, random_state=0).fit([[0.0], [1.0]] * 10, [0, 1] * 10)
    steno.flush()
    return steno.last_active_run().info.run_id


def test_all_that_a_run_keeps_for_it_is_drawn(run_id, tmp_path):
    drawn = json.loads(plot(run_id, "-o", str(tmp_path / "pictures"), "--json"))["pictures"]
    names = sorted(path.name for path in (tmp_path / "pictures").iterdir())
    assert names == [
        "feature_importances.png",
        "training_confusion_matrix.png",
        "training_precision_recall_curve.png",
        "training_roc_curve.png",
    ]
    assert len(drawn) == len(names)
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in (tmp_path / "pictures").iterdir())


def test_a_run_with_nothing_to_draw_says_what_could_be(tracking):
    with steno.start_run() as run:
        pass
    steno.flush()
    assert "training_roc_curve.json" in plot(run.run_id, expect=1)


def test_without_matplotlib_it_says_what_to_install(run_id, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.backends.backend_agg", None)
    assert "pip install 'steno[plots]'" in plot(run_id, expect=1)
