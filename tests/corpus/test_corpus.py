"""A script says what it says without steno, ends as it ends, leaves the files it leaves, and leaves its runs."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path

import pytest
import steno
from packaging.requirements import Requirement

from . import script as corpus
from .conftest import Warm, environ

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

ALL = corpus.every()
FRAMEWORKS = sorted({script.framework for script in ALL})
# Run once more as a user starts it, with steno before the framework is imported: the longest way there is.
FRESH = ("keras/functional_multi", "lightning/checkpointed", "sklearn/columns", "torch/gan", "xgboost/early_stopping")
START = "import runpy; runpy.run_path({!r}, run_name='__main__')"
WATCH = "import steno; steno.autolog(); "


@pytest.fixture(autouse=True)
def elsewhere():
    """Leave the process without an address of runs."""
    yield
    steno.set_tracking_uri("")


def folders_for(script: corpus.Script, parent: Path) -> dict[str, Path]:
    """Empty folders of the same name for a plain and a watched run."""
    folders = {mode: parent / mode / script.path.stem for mode in ("plain", "watched")}
    for folder in folders.values():
        folder.mkdir(parents=True)
    return folders


def check(script: corpus.Script, folders: dict[str, Path], codes: dict[str, int | str]) -> None:
    """Compare the two, and look at what was recorded."""
    plain, watched = (corpus.left(script, folders[mode], codes[mode]) for mode in ("plain", "watched"))
    assert plain["code"] == script.exit_code, plain["stderr"]
    for what, before in plain.items():
        assert watched[what] == before, what
    runs, metrics = corpus.recorded(folders["watched"])
    assert runs == script.runs, script.why
    assert set(script.metrics) - metrics == set(), metrics


def available(script: corpus.Script) -> None:
    """Skip the test where a framework is missing, or older than the script."""
    package = {"keras": "tensorflow"}.get(script.framework, script.framework)
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"{package} is not installed here")
    if script.needs:
        needs = Requirement(script.needs)
        if not needs.specifier.contains(version(needs.name), prereleases=True):
            pytest.skip(f"it needs {needs}")


@pytest.mark.parametrize("script", ALL, ids=lambda script: script.name)
def test_a_script_is_the_same_under_autolog_and_leaves_its_runs(script, warm, tmp_path):
    available(script)
    process: Warm = warm(script.warm)
    folders = folders_for(script, tmp_path)
    codes = process.run(script.path, folders)
    try:
        check(script, folders, codes)
    except AssertionError:
        again = folders_for(script, tmp_path / "again")
        plain = corpus.left(script, folders["plain"], codes["plain"])
        second = corpus.left(script, again["plain"], process.run(script.path, again)["plain"])
        assert second == plain, "no two runs of the script are the same, without steno: its own fault"
        raise


def started(script: corpus.Script, before: str, folder: Path) -> int:
    """Run a script in an interpreter of its own, with something said before it; return the exit code."""
    command = [sys.executable, "-c", before + START.format(str(script.path))]
    with open(f"{folder}.stdout", "w") as stdout, open(f"{folder}.stderr", "w") as stderr:
        done = subprocess.run(
            command, cwd=folder, env=environ(), stdout=stdout, stderr=stderr, timeout=200, check=False
        )
    return done.returncode


@pytest.mark.parametrize("name", FRESH)
def test_autolog_before_the_framework_is_imported_is_as_good(name, tmp_path):
    (script,) = (script for script in ALL if script.name == name)
    available(script)
    folders = folders_for(script, tmp_path)
    with ThreadPoolExecutor() as pool:
        said = zip(("", WATCH), folders.values(), strict=True)
        codes = list(pool.map(lambda pair: started(script, *pair), said))
    check(script, folders, dict(zip(folders, codes, strict=True)))


def test_the_corpus_is_about_a_hundred_scripts_of_every_framework():
    counts = Counter(script.framework for script in ALL)
    assert sum(counts.values()) >= 95
    assert FRAMEWORKS == ["keras", "lightgbm", "lightning", "sklearn", "torch", "xgboost"]
    assert min(counts.values()) >= 6
    assert [script.name for script in ALL if not script.runs and not script.why] == []
