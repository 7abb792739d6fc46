"""What the files of one offline run hold, gathered record by record."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from steno.contracts.points import Points
from steno.records import RunStatus, Tags
from wandb.proto.wandb_internal_pb2 import Record

from steno_wandb.datastore import TornFile, records
from steno_wandb.history import flat, row_of
from steno_wandb.records import STEP, original

_INTERRUPTED = 255
_TIMES = ("_step", "_runtime", "_timestamp")


class Contents:
    """Gathers what the files of a run hold; `read` them one after the other, oldest first.

    Args:
        scratch: A folder for what becomes files.

    Attributes:
        exit_code: How the run ended, None if it is not told.
        start_ms, last_ms: When it began, and the last time that anything of it bears; 0 if it is not told.
        files: Artifacts by path.
    """

    def __init__(self, scratch: Path) -> None:
        self.points = Points()
        self.params: dict[str, str] = {}
        self.tags: dict[str, str] = {}
        self.files: dict[str, Path] = {}
        self.problems: list[str] = []
        self.exit_code: int | None = None
        self.start_ms = self.last_ms = self.runtime_ms = 0
        self.name = self.project = self.user = ""
        self._scratch = scratch
        self._summary: dict[str, tuple[Any, str]] = {}
        self._last_step = 0
        self._samples: Counter[str] = Counter()
        self._by = {
            "run": self._run,
            "config": self._config,
            "history": self._history,
            "summary": self._summarize,
            "stats": self._system,
            "environment": self._environment,
            "artifact": self._artifact,
            "output": self._output,
            "output_raw": self._output,
            "exit": self._exit,
        }

    @property
    def status(self) -> str:
        """How the run ended: killed, if nobody said."""
        if self.exit_code in (None, _INTERRUPTED):
            return RunStatus.KILLED
        return RunStatus.FAILED if self.exit_code else RunStatus.FINISHED

    @property
    def end_ms(self) -> int | None:
        """When it ended, as far as it is told."""
        return max(self.last_ms, self.start_ms + self.runtime_ms) or None

    def read(self, path: Path) -> None:
        """Add what one file holds."""
        try:
            for content in records(path):
                record = Record.FromString(content)
                kind = record.WhichOneof("record_type")
                if kind in self._by:
                    self._by[kind](getattr(record, kind))
        except (TornFile, DecodeError, ValueError, OverflowError, OSError) as error:
            self.problems.append(f"{path.parent.name}/{path.name}: {error}; what comes before it is carried")

    def finish(self) -> None:
        """Add what is known only when all is read: the summary's values that are no series' last ones."""
        for key, (value, text) in self._summary.items():
            if key in _TIMES or key.startswith("_wandb"):
                continue
            if not isinstance(value, float):
                self.tags[f"wandb.summary.{key}"] = text
            elif key not in self.points.last:
                self.points.add(key, self._last_step, self.last_ms or self.start_ms, value)
            elif repr(self.points.last[key][2]) != repr(value):  # so that NaN is NaN
                self.tags[f"wandb.summary.{key}"] = text

    def _run(self, run: Any) -> None:
        begun_ms = run.start_time.ToMilliseconds() - run.runtime * 1000  # one that goes on tells how long it had run
        self.start_ms = min(self.start_ms, begun_ms) if self.start_ms else begun_ms
        self.name, self.project = run.display_name, run.project
        told = {
            "wandb.run_id": run.run_id,
            "wandb.entity": run.entity,
            "wandb.group": run.run_group,
            "wandb.job_type": run.job_type,
            "wandb.sweep_id": run.sweep_id,
            "wandb.host": run.host,
            "wandb.tags": ",".join(run.tags),
            Tags.NOTE: run.notes,
            Tags.GIT_REPO: run.git.remote_url,
            Tags.GIT_COMMIT: run.git.commit,
        }
        self.tags.update({key: text for key, text in told.items() if text})
        self._config(run.config)
        self._summarize(run.summary)

    def _config(self, config: Any) -> None:
        for item in config.update:
            path = tuple(item.nested_key) or (item.key,)
            if path[:2] == ("steno", "tags"):
                self.tags["/".join(path[2:])] = str(json.loads(item.value_json))
            elif path[0] != "_wandb":
                for key, text in flat(".".join(path), item.value_json):
                    self.params[key] = text
        for item in config.remove:
            gone = item.key or ".".join(item.nested_key)
            self.params = {key: text for key, text in self.params.items() if key != gone and not _below(key, gone)}

    def _history(self, history: Any) -> None:
        row = row_of(history.item)
        mirrored = STEP in row.values
        step = int(row.values.get(STEP, row.values.get("_step", history.step.num)))
        if "_timestamp" in row.values:
            time_ms = round(row.values["_timestamp"] * 1000)
        else:
            time_ms = self.start_ms + round(row.values.get("_runtime", 0) * 1000)
        for key, value in row.values.items():
            if key not in _TIMES and not (mirrored and key == STEP):
                self.points.add(original(key) if mirrored else key, step, time_ms, value)
        if row.others:
            line = json.dumps({"_step": step, "_timestamp": time_ms / 1000, **row.others}, ensure_ascii=False)
            self._append("history.jsonl", line + "\n")
        self._last_step, self.last_ms = step, max(self.last_ms, time_ms)

    def _summarize(self, summary: Any) -> None:
        row = row_of(summary.update)
        self._summary.update({original(key): (value, repr(value)) for key, value in row.values.items() if key != STEP})
        for key, value in row.others.items():
            if not (isinstance(value, dict) or key.startswith("_")):  # media, whose files are there
                self._summary[key] = value, value if isinstance(value, str) else json.dumps(value)
        for item in summary.remove:
            self._summary.pop(item.key or ".".join(item.nested_key), None)

    def _system(self, stats: Any) -> None:
        time_ms = stats.timestamp.ToMilliseconds()
        for key, value in row_of(stats.item).values.items():
            name = f"system/{key}"
            self.points.add(name, self._samples[name], time_ms, value)
            self._samples[name] += 1
        self.last_ms = max(self.last_ms, time_ms)

    def _environment(self, environment: Any) -> None:
        told = {
            Tags.SOURCE_NAME: environment.program,
            Tags.GIT_REPO: environment.git.remote_url,
            Tags.GIT_COMMIT: environment.git.commit,
        }
        self.tags.update({key: text for key, text in told.items() if text})
        self.user = environment.username or environment.email or self.user

    def _artifact(self, artifact: Any) -> None:
        where = f"artifact {artifact.name}"
        if artifact.manifest.manifest_file_path and not artifact.manifest.contents:
            self.problems.append(f"{where}: its list of files was kept apart, and is not read")
        for entry in artifact.manifest.contents:
            if entry.ref:
                self.problems.append(f"{where}: {entry.path} is a reference to {entry.ref}, not a file")
            elif not Path(entry.local_path).is_file():
                self.problems.append(f"{where}: the file of {entry.path}, {entry.local_path}, is gone")
            else:
                self.files[f"artifacts/{artifact.name}/{entry.path}"] = Path(entry.local_path)

    def _output(self, output: Any) -> None:
        self._append("output.log", output.line)

    def _append(self, name: str, text: str) -> None:
        path = self.files.setdefault(name, self._scratch / name)
        with path.open("a", encoding="utf-8", errors="surrogatepass", newline="") as file:
            file.write(text)

    def _exit(self, end: Any) -> None:
        self.exit_code, self.runtime_ms = end.exit_code, max(self.runtime_ms, end.runtime * 1000)


def _below(key: str, prefix: str) -> bool:
    return key.startswith(f"{prefix}.")


def files_in(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield what the run left in its folder of files, with its path there."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield path.relative_to(folder).as_posix(), path
