"""A script of the corpus: what its first lines say of it, and what a run of it left behind."""

from __future__ import annotations

import fnmatch
import hashlib
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import steno

SCRIPTS = Path(__file__).with_name("scripts")
# What names a process or a moment, in what a framework's native code says.
MOMENT = re.compile(
    r"^[IWEF]0000 00:00:\d+\.\d+ +\d+ "  # in front of what TensorFlow says
    r"|\[\d\d:\d\d:\d\d\]"  # in XGBoost's warnings
    r"|^[^\n]*\r(?!\n)|\[\d\d:\d\d<[^]]*\]"  # what a progress bar said before, and how fast it was
    r"|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    re.MULTILINE,
)


@dataclass(frozen=True)
class Script:
    """A script and its header.

    Attributes:
        path: Where it is.
        runs: How many runs it is to leave, by status; children of a run not counted.
        metrics: Metrics that one of the runs has.
        unlike: Patterns of files whose names or contents no two runs of it have in common.
        exit_code: What it ends with.
        warm: The process that it is forked from, by what is imported there.
        why: Why it leaves none, if so.
        needs: What it is about is only there, or only the same in each run, from this version on.
    """

    path: Path
    runs: Counter[str]
    metrics: tuple[str, ...] = ()
    unlike: tuple[str, ...] = ()
    exit_code: int = 0
    warm: str = ""
    why: str = ""
    needs: str = ""

    @property
    def framework(self) -> str:
        return self.path.parent.name

    @property
    def name(self) -> str:
        return f"{self.framework}/{self.path.stem}"


def read(path: Path) -> Script:
    """Read a script's header: comments before its first line, each a word, a colon and what it says."""
    lines = path.read_text("utf-8").splitlines()
    header = [line for line in lines[: next(n for n, line in enumerate(lines) if not line.startswith("#"))] if line]
    said = {key.strip("# "): value.strip() for key, value in (line.split(":", 1) for line in header)}
    runs: Counter[str] = Counter()
    for part in said.pop("runs").split(","):
        number, _, status = part.strip().partition(" ")
        runs[status or "FINISHED"] += int(number)
    lists = {key: tuple(said[key].replace(" ", "").split(",")) for key in ("metrics", "unlike") if key in said}
    warm, why, needs = said.get("warm", path.parent.name), said.get("why", ""), said.get("needs", "")
    return Script(path, +runs, **lists, exit_code=int(said.get("exit", 0)), warm=warm, why=why, needs=needs)


def every() -> list[Script]:
    """All scripts, those of one warm process together."""
    return sorted(map(read, SCRIPTS.glob("*/*.py")), key=lambda script: (script.warm, script.name))


def files(folder: Path, unlike: tuple[str, ...]) -> Counter[tuple[str, str]]:
    """The files in a folder by name and digest; those that are always unlike by pattern."""
    found: Counter[tuple[str, str]] = Counter()
    for path in folder.rglob("*"):
        name = str(path.relative_to(folder))
        if path.is_file() and not name.startswith("stenoruns/"):
            pattern = next((pattern for pattern in unlike if fnmatch.fnmatch(name, pattern)), "")
            found[pattern or name, "" if pattern else hashlib.sha256(path.read_bytes()).hexdigest()] += 1
    return found


def left(script: Script, folder: Path, code: int | str) -> dict[str, object]:
    """What can be seen of a run from outside: what it said, its exit code, its files."""
    said = {stream: Path(f"{folder}.{stream}").read_text("utf-8") for stream in ("stdout", "stderr")}
    said["stderr"] = MOMENT.sub("", said["stderr"])
    said = {stream: text.replace(str(folder), "") for stream, text in said.items()}
    return {**said, "code": code, "files": files(folder, script.unlike)}


def recorded(folder: Path) -> tuple[Counter[str], set[str]]:
    """The runs in a folder by status, without those that belong to another, and the metrics that any has."""
    if not (folder / "stenoruns").exists():
        return Counter(), set()
    steno.set_tracking_uri(folder / "stenoruns")
    runs = steno.search_runs(output_format="list", search_all_experiments=True)
    statuses = Counter(run.info.status for run in runs if "mlflow.parentRunId" not in run.data.tags)
    return statuses, {name for run in runs for name in run.data.metrics}
