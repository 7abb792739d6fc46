"""What `steno plugins new` writes, installed as its page says, passes its tests without an edit."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

EVERY_KIND = "--kind integration --kind flavor --kind store --kind observer --kind command"


@pytest.mark.parametrize(
    "words",
    [
        "lines",
        "watched --kind integration",
        "kept --kind flavor",
        "stored --kind store",
        "seen --kind observer",
        "asked --kind command",
        f"my-everything --framework scipy {EVERY_KIND}",
    ],
    ids=lambda words: words.split()[0],
)
def test_it_passes_at_once(words: str, installed: Any, tmp_path: Path) -> None:
    installed.run("steno", "plugins", "new", *words.split(), cwd=tmp_path)
    (folder,) = tmp_path.glob("steno-*")
    installed.run("pip", "install", "-e", ".[test]", cwd=folder)
    said = installed.python("-m", "pytest", "-p", "no:cacheprovider", cwd=folder).stdout
    assert re.search(r"\d+ passed", said)
    assert "failed:" not in installed.run("steno", "plugins", cwd=tmp_path).stdout


def test_it_is_written_as_the_house_writes(installed: Any, tmp_path: Path) -> None:
    installed.run("steno", "plugins", "new", "my-everything", *EVERY_KIND.split(), cwd=tmp_path)
    installed.run("steno", "plugins", "new", "other", "--framework", "scipy", cwd=tmp_path)
    rules = ["--select", "A,B,C4,E,F,I,N,PIE,PT,RET,RUF,SIM,UP,W", "--ignore", "N803,N806"]
    for check in (["format", "--check"], ["check", *rules]):
        for folder in tmp_path.glob("steno-*"):
            command = [sys.executable, "-m", "ruff", *check, "--isolated", "--no-cache", "--line-length", "120", "."]
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
            assert done.returncode == 0, done.stdout + done.stderr
