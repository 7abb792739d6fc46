"""The version matrix: each framework at its oldest and newest version, tested in an environment of its own.

    python tests/matrix/run.py [ONLY ...] [--list] [--json] [--workers N] [--cache FOLDER]

ONLY is a row, a framework or an age: `xgboost-oldest`, `xgboost`, `oldest`.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import xml.etree.ElementTree as ElementTree
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from environments import Environment, Stopped, watched
from packaging.version import Version
from rows import ROOT, Row, every

INSTALL_LIMIT_S = 1200
TEST_LIMIT_S = 1200


@dataclass
class Result:
    """What became of a row.

    Attributes:
        versions: Of what the row is about, by distribution.
        counts: Tests by how they ended: passed, failed, skipped.
        skipped: Why tests were skipped, with how many.
        failures: The names of the tests that failed.
        problem: Why there is no complete result, or "".
    """

    row: str
    versions: dict[str, str] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    problem: str = ""
    seconds: float = 0.0
    note: str = ""

    @property
    def good(self) -> bool:
        """Whether tests were run and none failed."""
        return not self.problem and not self.failures and self.counts["passed"] > 0


class Progress:
    """Says on standard error what is being done: each second on a terminal, elsewhere now and then."""

    def __init__(self, name: str) -> None:
        self.name, self._said = name, 0.0
        self._terminal = sys.stderr.isatty()

    def __call__(self, what: str, seconds: float, line: str) -> None:
        if seconds - self._said >= (1 if self._terminal else 20) or seconds < self._said:
            self._said = seconds
            text = f"{self.name}: {what}, {seconds:.0f} s  {line[-90:]}"
            print(f"\r\033[K{text}" if self._terminal else text, end="" if self._terminal else "\n", file=sys.stderr)
            sys.stderr.flush()

    def done(self, text: str) -> None:
        """Leave a line that stays."""
        print(f"{chr(13)}\033[K{text}" if self._terminal else text, file=sys.stderr, flush=True)


def run(row: Row, cache: Path, workers: int) -> Result:
    """Make a row's environment, and run its tests there."""
    started, environment, progress = time.monotonic(), Environment(row, cache), Progress(row.name)
    result = Result(row.name, note=row.note)
    try:
        environment.make(INSTALL_LIMIT_S, lambda seconds, line: progress("installing", seconds, line))
        found = environment.versions()
        result.versions = {name: found[name] for name in row.shown}
        if strayed := [name for name, pin in row.pins.items() if not has(found, name, pin)]:
            raise Stopped(f"other versions than the table's are installed, or none: {', '.join(strayed)}")
        test(row, environment, result, progress, workers)
    except Stopped as stopped:
        result.problem = str(stopped)
    result.seconds = time.monotonic() - started
    progress.done(line_of(result))
    return result


def has(found: dict[str, str], name: str, pin: str) -> bool:
    """Whether a distribution is there in this version, whatever its build."""
    return name in found and Version(Version(found[name]).public) == Version(pin)


def test(row: Row, environment: Environment, result: Result, progress: Progress, workers: int) -> None:
    """Run pytest on the row's tests, then on its scripts of the corpus; count into the result."""
    parts = [("tests", list(row.tests))]
    if row.corpus:
        parts.append(("scripts", ["tests/corpus/test_corpus.py", "-k", f"{row.corpus}/"]))
    for what, chosen in parts:
        report = environment.folder / f"{what}.xml"
        report.unlink(missing_ok=True)
        scratch = environment.folder / "scratch"
        options = ["-n", str(workers), "-p", "no:cacheprovider", f"--basetemp={scratch}", f"--junitxml={report}"]
        warnings = [word for each in row.ignore for word in ("-W", each)]
        command = [environment.python, "-m", "pytest", *options, *warnings, *chosen]
        log = environment.folder / f"{what}.txt"
        status = watched(command, log, TEST_LIMIT_S, lambda seconds, line, what=what: progress(what, seconds, line))
        if report.exists():
            count(report, result)
        if status not in (0, 1) or not report.exists():
            raise Stopped(f"pytest ended with {status}: see {log}")


def count(report: Path, result: Result) -> None:
    """Add what a report of pytest says to the result."""
    for case in ElementTree.parse(report).iter("testcase"):
        name = f"{case.get('classname')}::{case.get('name')}"
        skip = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            result.counts["failed"] += 1
            result.failures.append(name)
        elif skip is not None:
            result.counts["skipped"] += 1
            result.skipped[skip.get("message") or "no reason given"] += 1
        else:
            result.counts["passed"] += 1


def line_of(result: Result) -> str:
    """A result as one line of the table."""
    versions = ", ".join(f"{name} {version}" for name, version in result.versions.items()) or "not installed"
    counts = "  ".join(f"{result.counts[how]:>4} {how}" for how in ("passed", "failed", "skipped"))
    state = "ok    " if result.good else "FAILED"
    return f"{state}  {result.row:<20} {versions:<28} {counts}  {result.seconds:>5.0f} s"


def show(results: Sequence[Result]) -> None:
    """Print the table, and below it what a reader must know beyond the numbers."""
    print()
    for result in results:
        print(line_of(result))
        for text in filter(None, (result.problem, result.note)):
            print(f"          {text}")
        for name in result.failures[:20]:
            print(f"          failed: {name}")
        for reason, number in result.skipped.items():
            print(f"          skipped {number}: {reason[:150]}")
    print(f"\n{sum(result.good for result in results)} of {len(results)} rows are good")


def chosen(only: Sequence[str]) -> list[Row]:
    """The rows that are asked for, all if none is.

    Raises:
        SystemExit: There is no such row.
    """
    rows, words = every(), [word for each in only for word in each.replace(",", " ").split()]
    for word in words:
        if not any(word in (row.name, *row.name.rsplit("-", 1)) for row in rows):
            raise SystemExit(f"there is no row {word!r}; there are {', '.join(row.name for row in rows)}")
    return [row for row in rows if not words or {row.name, *row.name.rsplit("-", 1)} & set(words)]


def main() -> int:
    """Run the rows that are asked for; 1 if one fails."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("only", nargs="*", help="rows, frameworks or ages; all without")
    parser.add_argument("--list", action="store_true", help="name the rows and their versions, and run nothing")
    parser.add_argument("--json", action="store_true", help="print the results as JSON")
    parser.add_argument("--workers", type=int, default=1, help="processes that test at once (default 1)")
    parser.add_argument("--cache", type=Path, default=ROOT / "build" / "matrix", help="where environments are kept")
    given = parser.parse_args()
    rows = chosen(given.only)
    if given.list:
        for row in rows:
            print(f"{row.name:<22}{', '.join(f'{name} {version}' for name, version in row.pins.items()) or 'newest'}")
        return 0
    results = [run(row, given.cache.resolve(), given.workers) for row in rows]
    if given.json:
        print(json.dumps([{**vars(result), "good": result.good} for result in results], indent=2))
    else:
        show(results)
    return 0 if all(result.good for result in results) else 1


if __name__ == "__main__":
    raise SystemExit(main())
