"""What `wandb` reads of an offline run: by its message classes, and by `wandb sync` to a server on loopback."""

from __future__ import annotations

import gzip
import json
import os
import struct
import subprocess
import sys
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from zlib import crc32

import steno

Point = tuple[int, int, str]


def files_of(run_id: str, root: str | Path = "wandb") -> list[Path]:
    """The files of a run, oldest first."""
    return sorted(Path(root).glob(f"offline-run-*-{run_id}/run-{run_id}.wandb"))


def parsed(paths: list[Path]) -> list[list[dict[str, Any]]]:
    """Every record of some files as wandb's classes parse it.

    In a process of its own: importing wandb changes the one it is imported into.
    """
    script = (
        "import sys, json\n"
        "from google.protobuf.json_format import MessageToDict\n"
        "from google.protobuf.unknown_fields import UnknownFieldSet\n"
        "from wandb.proto.wandb_internal_pb2 import Record\n"
        "for line in sys.stdin:\n"
        "    record = Record.FromString(bytes.fromhex(line))\n"
        "    assert not len(UnknownFieldSet(record))\n"
        "    print(json.dumps(MessageToDict(record, preserving_proto_field_name=True)))\n"
    )
    found = [list(scanned(path)) for path in paths]
    lines = "\n".join(record.hex() for records in found for record in records)
    done = subprocess.run(
        [sys.executable, "-c", script], input=lines, capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stderr
    records = iter([json.loads(line) for line in done.stdout.splitlines()])
    return [[next(records) for _ in group] for group in found]


def scanned(path: Path) -> Iterator[bytes]:
    """Read a file's blocks, strictly; written apart from what is tested."""
    data = path.read_bytes()
    assert data[:7] == b":W&B\xe1\xbe\x00"
    at, parts, inside = 7, b"", False
    while at < len(data):
        left = 32768 - at % 32768
        if left < 7:
            assert not any(data[at : at + left])
            at += left
            continue
        checksum, length, kind = struct.unpack_from("<IHB", data, at)
        part = data[at + 7 : at + 7 + length]
        assert len(part) == length <= left - 7
        assert crc32(part, crc32(bytes([kind]))) == checksum
        assert inside == (kind in (3, 4))
        parts, inside = (parts + part if inside else part), kind in (2, 3)
        if not inside:
            yield parts
        at += 7 + length
    assert not inside


def points(rows: list[dict[str, Any]]) -> dict[str, list[Point]]:
    """Every series of history rows: step, time in milliseconds, value as text."""
    found: dict[str, list[Point]] = defaultdict(list)
    for row in rows:
        about = row["steno/step"], round(row["_timestamp"] * 1000)
        for key, value in row.items():
            if key not in ("_step", "_timestamp", "_runtime", "steno/step"):
                found[key].append((*about, repr(float(value))))
    return dict(found)


def mirrored(run_id: str, root: str | Path = "wandb") -> dict[str, list[Point]]:
    """Every series as the files have it."""
    rows = [history for records in parsed(files_of(run_id, root)) for history in rows_of(records)]
    assert [row["_step"] for row in rows] == list(range(len(rows)))
    return points(rows)


def rows_of(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The history."""
    return [
        {item["key"]: json.loads(item["value_json"]) for item in record["history"]["item"]}
        for record in records
        if "history" in record
    ]


def config_of(records: list[dict[str, Any]]) -> dict[str, Any]:
    """The config: params by key, and `steno/tags/<key>`."""
    found = {}
    for record in records:
        config = record.get("config") or record.get("run", {}).get("config") or {}
        for item in config.get("update", ()):
            found[item.get("key") or "/".join(item["nested_key"])] = json.loads(item["value_json"])
    return found


def stored(run_id: str) -> dict[str, list[Point]]:
    """Every series as the store has it."""
    client = steno.Client()
    return {
        key: [(m.step, m.timestamp, repr(m.value)) for m in client.get_metric_history(run_id, key)]
        for key in client.get_run(run_id).data.metrics
    }


class Server(ThreadingHTTPServer):
    """As much of a Weights & Biases server as `wandb sync` needs; keeps what it is sent.

    Attributes:
        lines: The lines of a run's history, by their number.
        runs: What was last said of a run.
        ended: The exit code of each run that is complete.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("localhost", 0), _Handler)
        self.lines: dict[str, dict[int, str]] = defaultdict(dict)
        self.runs: dict[str, dict[str, Any]] = defaultdict(dict)
        self.ended: dict[str, int] = {}

    @property
    def address(self) -> str:
        """Where it is."""
        return f"http://localhost:{self.server_port}"

    def answer(self, query: str, variables: dict[str, Any]) -> dict[str, Any]:
        """Answer a GraphQL query."""
        if "upsertBucket" in query:
            name = variables.get("name")
            self.runs[name].update({key: value for key, value in variables.items() if value is not None})
            project = {"id": "p", "name": variables.get("project"), "entity": {"id": "e", "name": "me"}}
            bucket = {
                "id": name, "name": name, "displayName": name, "description": "", "config": "{}", "sweepName": None,
                "project": project, "historyLineCount": len(self.lines[name]),
            }  # fmt: skip
            return {"upsertBucket": {"bucket": bucket, "inserted": not self.lines[name]}}
        if "createRunFiles" in query:
            files = [{"name": file, "uploadUrl": f"{self.address}/upload"} for file in variables["files"]]
            return {"createRunFiles": {"runID": variables["run"], "uploadHeaders": [], "files": files}}
        if "model(" in query and "bucket(" in query:
            return {"model": {"bucket": self.resume_status(variables.get("name", ""))}}
        return {}

    def resume_status(self, name: str) -> dict[str, Any] | None:
        """What is known of a run that may go on."""
        lines = self.lines[name]
        if not lines:
            return None
        tail = json.dumps([lines[max(lines)]])
        return {
            "name": name, "historyLineCount": len(lines), "eventsLineCount": 0, "logLineCount": 0, "historyTail": tail,
            "eventsTail": "[]", "summaryMetrics": "{}", "config": "{}", "tags": [], "wandbConfig": "{\"t\": 1}",
        }  # fmt: skip

    def streamed(self, run_id: str, sent: dict[str, Any]) -> None:
        """Take what is streamed to a run's files."""
        history = sent.get("files", {}).get("wandb-history.jsonl")
        if history:
            self.lines[run_id].update(enumerate(history["content"], history["offset"]))
        if sent.get("complete"):
            self.ended[run_id] = sent.get("exitcode", -1)


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def log_message(self, *args: Any) -> None:
        pass

    def _body(self) -> Any:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        return gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body

    def _reply(self, content: dict[str, Any]) -> None:
        body = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        body = self._body()
        if self.path.endswith("/graphql"):
            asked = json.loads(body)
            self._reply({"data": self.server.answer(asked["query"], asked.get("variables") or {})})
            return
        if self.path.endswith("/file_stream"):
            self.server.streamed(self.path.split("/")[-2], json.loads(body))
        self._reply({})

    def do_PUT(self) -> None:
        self._body()
        self._reply({})

    def do_GET(self) -> None:
        self._reply({})


@contextmanager
def server() -> Iterator[Server]:
    """A server on loopback."""
    with Server() as found:
        thread = threading.Thread(target=found.serve_forever, daemon=True)
        thread.start()
        yield found
        found.shutdown()
        thread.join()


def sync(address: str, *arguments: str | Path) -> str:
    """Run `wandb sync` and return what it said."""
    environ = {name: value for name, value in os.environ.items() if name.lower() not in ("http_proxy", "all_proxy")}
    environ |= {
        "WANDB_BASE_URL": address,
        "WANDB_API_KEY": "a" * 40,
        "NO_PROXY": "localhost",
        "WANDB_ERROR_REPORTING": "0",
    }
    words = [sys.executable, "-m", "wandb", "sync", *map(str, arguments)]
    done = subprocess.run(words, env=environ, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def sync_knows(option: str) -> bool:
    """Whether this version's `wandb sync` has an option."""
    command = [sys.executable, "-m", "wandb", "sync", "--help"]
    return option in subprocess.run(command, capture_output=True, text=True, timeout=100, check=True).stdout


def log_in_child(run: Any, value: float) -> None:
    """What another process does with a run."""
    run.log_metric("of child", value)
    steno.flush()
