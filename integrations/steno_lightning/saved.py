"""The checkpoints that a logger of ours copies to its run, as Lightning's `MLFlowLogger` lays them out."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal

from steno.tracking.deferred import deferred

from steno_lightning.checkpoints import opened
from steno_lightning.results import number

if TYPE_CHECKING:
    from steno.tracking.run import ActiveRun

_SETTINGS = ("monitor", "mode", "save_last", "save_top_k", "save_weights_only")


class Saved:
    """Which checkpoints a ModelCheckpoint has, and which were copied.

    Attributes:
        wanted: None, the best at the end, or "all" as they are saved.
    """

    def __init__(self, wanted: Literal[True, False, "all"]) -> None:
        self.wanted = wanted
        self._callback: Any = None
        self._copied: dict[str, float] = {}

    def note(self, run: ActiveRun, callback: Any) -> None:
        """Take note that a checkpoint was saved."""
        self._callback = callback
        if self.wanted == "all" or (self.wanted is True and getattr(callback, "save_top_k", 1) == -1):
            self.copy(run)

    def copy(self, run: ActiveRun) -> None:
        """Copy, later, what is new or was written again."""
        callback = self._callback
        if not self.wanted or callback is None:
            return
        scores = dict(getattr(callback, "best_k_models", {}))
        for path in filter(None, (getattr(callback, "best_model_path", ""), getattr(callback, "last_model_path", ""))):
            scores.setdefault(path, getattr(callback, "current_score", None))
        for path, score in scores.items():
            file = opened(path)
            if file is None:
                continue
            written = os.fstat(file.fileno())
            if self._copied.get(path) == written.st_mtime:
                file.close()
                continue
            self._copied[path] = written.st_mtime
            about = _about(callback, path, score)
            if not deferred.submit(run, _copying(path, file, about), written.st_size):
                file.close()

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_callback": None}


def _about(callback: Any, path: str, score: Any) -> tuple[bytes, bytes]:
    settings = {name: getattr(callback, name, None) for name in _SETTINGS}
    told = {"score": number(score), "original_filename": Path(path).name, "Checkpoint": settings}
    aliases = ["latest", "best"] if path == getattr(callback, "best_model_path", "") else ["latest"]
    # What is JSON is YAML too.
    return json.dumps(told, default=str).encode(), str(aliases).encode()


def _copying(path: str, file: IO[bytes], about: tuple[bytes, bytes]) -> Any:
    folder = Path(path).stem

    def work(run: ActiveRun) -> None:
        with file:
            run.log_file(f"{folder}/{Path(path).name}", file.read())
        run.log_file(f"{folder}/metadata.yaml", about[0])
        run.log_file(f"{folder}/aliases.txt", about[1])

    return work
