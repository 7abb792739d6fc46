"""Finds the user, the script and its commit, by reading files only: no subprocess on the training thread."""

from __future__ import annotations

import functools
import getpass
import json
import logging
import os
import re
import sys
from pathlib import Path

from steno import settings
from steno.errors import InvalidValue
from steno.records import Tags

from steno_context.environment import environment

logger = logging.getLogger("steno.context")
_CREDENTIALS = re.compile(r"(?<=://)[^/@]+@")


def run_tags() -> dict[str, str]:
    """Tags for a run that begins now."""
    try:
        chosen = settings.load()
    except InvalidValue:  # the user's own next call says so; where a run comes from is known all the same
        chosen = settings.Settings()
    found = {**_of_process(chosen.username, os.getpid()), Tags.ENVIRONMENT: environment()}
    return found | _from_outside(chosen.run_context)


@functools.lru_cache(maxsize=1)
def _of_process(username: str | None, pid: int) -> dict[str, str]:
    # One script per process: found once, and again in a forked child.
    name, kind = _source()
    tags = {Tags.USER: username or _user(), Tags.SOURCE_NAME: name, Tags.SOURCE_TYPE: kind}
    if kind == "LOCAL" and name.startswith("/"):
        tags.update(git_tags(Path(name).parent))
    return tags


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # no name for this uid, as in some containers
        return f"uid-{os.getuid()}" if hasattr(os, "getuid") else "unknown"


def _source() -> tuple[str, str]:
    shell = sys.modules.get("IPython")
    if shell is not None and getattr(shell.get_ipython(), "kernel", None) is not None:
        main = vars(sys.modules["__main__"])
        return str(main.get("__vsc_ipynb_file__") or "notebook"), "NOTEBOOK"
    script = sys.argv[0] if sys.argv else ""
    if not script or script in ("-c", "-m"):
        return "<console>", "LOCAL"
    return os.path.abspath(script), "LOCAL"


def _from_outside(text: str | None) -> dict[str, str]:
    if not text:
        return {}
    try:
        found = json.loads(text)
    except json.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        logger.warning("STENO_RUN_CONTEXT is no JSON object of tags and was left out: %.80s", text)
        return {}
    return {str(key): str(value) for key, value in found.items()}


def git_tags(folder: Path) -> dict[str, str]:
    """Commit, branch and origin of the repository a folder lies in; empty outside of one."""
    for place in (folder, *folder.parents):
        git = place / ".git"
        if git.exists():
            try:
                return _read_git(git)
            except (OSError, UnicodeDecodeError):
                return {}
    return {}


def _read_git(git: Path) -> dict[str, str]:
    if git.is_file():  # a worktree or submodule: "gitdir: <path>"
        git = (git.parent / git.read_text("utf-8").partition(":")[2].strip()).resolve()
    pointer = git / "commondir"
    common = (git / pointer.read_text("utf-8").strip()).resolve() if pointer.exists() else git
    head = (git / "HEAD").read_text("utf-8").strip()
    tags: dict[str, str] = {}
    commit = head
    if head.startswith("ref: "):
        ref = head[5:]
        tags[Tags.GIT_BRANCH] = ref.removeprefix("refs/heads/")
        commit = _commit_of(ref, git, common)
    if not commit:
        return {}
    origin = _origin(common / "config")
    if origin:
        tags[Tags.GIT_REPO] = origin
    return {Tags.GIT_COMMIT: commit, **tags}


def _commit_of(ref: str, git: Path, common: Path) -> str:
    for place in (git / ref, common / ref):
        if place.is_file():
            return place.read_text("utf-8").strip()
    packed = common / "packed-refs"
    for line in packed.read_text("utf-8").splitlines() if packed.is_file() else ():
        commit, _, name = line.partition(" ")
        if name == ref:
            return commit
    return ""


def _origin(config: Path) -> str:
    inside = False
    for line in config.read_text("utf-8").splitlines() if config.is_file() else ():
        if line.startswith("["):
            inside = line.strip() == '[remote "origin"]'
        elif inside and line.strip().startswith("url"):
            return _CREDENTIALS.sub("", line.partition("=")[2].strip())
    return ""
