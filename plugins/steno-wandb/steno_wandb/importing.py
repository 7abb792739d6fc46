"""`steno import wandb`: the runs that `wandb` left on disk, offline ones and those that were sent too."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from steno.contracts.importing import ForeignRun
from steno.errors import NotFound
from steno.records import RunStatus, Tags

from steno_wandb.contents import Contents, files_in

QUIET_S = 600
"""A run that has not said how it ended, and whose file nobody has written for so long, is gone."""


class OfflineRuns:
    """The importer of Weights & Biases' folders."""

    def runs(self, location: str) -> Iterator[ForeignRun]:
        """Yield the runs of a folder `wandb`, of one run's folder or of one file, oldest first. Raises: NotFound."""
        place = Path(location).expanduser()
        if not place.exists():
            raise NotFound(f"there is no {location}; name the folder `wandb` in which the runs are")
        by_id: dict[str, list[Path]] = {}
        found = [place] if place.is_file() else place.rglob("run-*.wandb")
        for path in sorted(found, key=lambda path: (path.parent.name.rpartition("-")[0], path.name)):
            by_id.setdefault(path.stem.removeprefix("run-"), []).append(path)
        if not by_id:
            raise NotFound(f"there is no run (run-*.wandb) in {location} or below")
        for run_id, paths in by_id.items():
            with tempfile.TemporaryDirectory(prefix="steno-wandb-") as scratch:
                yield _run(run_id, paths, Path(scratch))


def _run(run_id: str, paths: list[Path], scratch: Path) -> ForeignRun:
    contents = Contents(scratch)
    for path in paths:
        contents.exit_code = None  # one that goes on has not ended as it did before
        contents.read(path)
        contents.files.update(files_in(path.parent / "files"))
    contents.finish()
    status = contents.status
    if contents.exit_code is None:
        if time.time() - paths[-1].stat().st_mtime < QUIET_S:
            status = RunStatus.RUNNING
        else:
            contents.tags[Tags.END_REASON] = "lost"
    return ForeignRun(
        key=run_id,
        experiment=contents.project or "uncategorized",
        name=contents.name or run_id,
        status=status,
        start_time=contents.start_ms,
        end_time=None if status == RunStatus.RUNNING else contents.end_ms,
        params=contents.params,
        tags=contents.tags,
        series=contents.points,
        artifacts=contents.files or None,
        problems=contents.problems,
        user=contents.user,
    )


importer = OfflineRuns()
