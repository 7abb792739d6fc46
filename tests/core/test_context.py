"""Where a run comes from: user, script and commit, found without a subprocess."""

from __future__ import annotations

import json
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import steno
from steno.plugins import Plugins, manager
from steno.records import Tags
from steno_context import source


@pytest.fixture(autouse=True)
def afresh(monkeypatch):
    """Each test is a process that has not looked yet, with no plugin set aside."""
    monkeypatch.setattr(manager, "_plugins", Plugins())
    source._of_process.cache_clear()
    yield
    source._of_process.cache_clear()


def _git(folder: Path, *words: str) -> str:
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "init.defaultBranch=main"]
    command = ["git", "-C", str(folder), *identity, *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def repository(tmp_path) -> Path:
    """A git repository with one commit, a remote and a folder in it."""
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    folder = tmp_path / "repository"
    (folder / "deep").mkdir(parents=True)
    _git(folder, "init", "-q")
    (folder / "train.py").write_text("")
    _git(folder, "add", ".")
    _git(folder, "commit", "-q", "-m", "first")
    _git(folder, "remote", "add", "origin", "https://me:secret@example.com/me/repo.git")
    return folder


def test_the_commit_branch_and_origin_are_found_from_any_folder_below(repository):
    expected = {
        Tags.GIT_COMMIT: _git(repository, "rev-parse", "HEAD"),
        Tags.GIT_BRANCH: "main",
        Tags.GIT_REPO: "https://example.com/me/repo.git",
    }
    assert source.git_tags(repository) == expected
    assert source.git_tags(repository / "deep") == expected


def test_packed_references_are_found(repository):
    commit = _git(repository, "rev-parse", "HEAD")
    _git(repository, "pack-refs", "--all")
    assert source.git_tags(repository)[Tags.GIT_COMMIT] == commit


def test_a_detached_head_has_a_commit_and_no_branch(repository):
    _git(repository, "checkout", "-q", "--detach")
    tags = source.git_tags(repository)
    assert tags[Tags.GIT_COMMIT] == _git(repository, "rev-parse", "HEAD")
    assert Tags.GIT_BRANCH not in tags


def test_a_worktree_is_on_its_own_branch(repository, tmp_path):
    _git(repository, "worktree", "add", "-q", "-b", "side/branch", str(tmp_path / "tree"))
    tags = source.git_tags(tmp_path / "tree")
    assert (tags[Tags.GIT_BRANCH], tags[Tags.GIT_REPO]) == ("side/branch", "https://example.com/me/repo.git")
    assert tags[Tags.GIT_COMMIT] == _git(repository, "rev-parse", "HEAD")


def test_a_repository_without_a_commit_or_damaged_gives_no_tags(tmp_path):
    (tmp_path / "empty" / ".git").mkdir(parents=True)
    assert source.git_tags(tmp_path / "empty") == {}
    (tmp_path / "empty" / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    assert source.git_tags(tmp_path / "empty") == {}
    (tmp_path / "empty" / ".git" / "HEAD").write_bytes(b"\xff\xfe")
    assert source.git_tags(tmp_path / "empty") == {}


def test_a_run_says_who_and_which_script_began_it(tracking, monkeypatch, repository):
    monkeypatch.setattr(sys, "argv", [str(repository / "train.py")])
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "ada")
    with steno.start_run() as run:
        pass
    found = steno.get_run(run.run_id)
    assert found.info.user_id == "ada"
    assert found.data.tags[Tags.USER] == "ada"
    assert found.data.tags[Tags.SOURCE_NAME] == str(repository / "train.py")
    assert found.data.tags[Tags.SOURCE_TYPE] == "LOCAL"
    assert found.data.tags[Tags.GIT_BRANCH] == "main"


def test_code_without_a_script_comes_from_the_console(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["-c"])
    assert source.run_tags()[Tags.SOURCE_NAME] == "<console>"


def test_tags_from_outside_win_over_what_was_found_and_the_users_own_over_both(tracking, monkeypatch):
    monkeypatch.setenv("MLFLOW_RUN_CONTEXT", '{"mlflow.user": "launcher", "job": 7, "mine": "outside"}')
    with steno.start_run(tags={"mine": "inside"}) as run:
        pass
    tags = steno.get_run(run.run_id).data.tags
    assert (tags[Tags.USER], tags["job"], tags["mine"]) == ("launcher", "7", "inside")


@pytest.mark.parametrize("text", ["{", "[1]", '"a"'])
def test_a_context_that_is_no_object_is_left_out_and_said(tracking, monkeypatch, caplog, text):
    monkeypatch.setenv("STENO_RUN_CONTEXT", text)
    with steno.start_run() as run:
        steno.log_metric("m", 1.0)
    found = steno.get_run(run.run_id)
    assert found.data.metrics == {"m": 1.0}
    assert Tags.USER in found.data.tags
    assert "STENO_RUN_CONTEXT is no JSON object" in caplog.text


def test_a_run_knows_what_it_was_made_with(tracking):
    import numpy as np

    with steno.start_run() as run:
        pass
    environment = json.loads(steno.get_run(run.run_id).data.tags[Tags.ENVIRONMENT])
    assert environment["python"] == platform.python_version()
    assert environment["packages"]["numpy"] == np.__version__
    assert "json" not in environment["packages"]
