"""What the event files of one folder hold: scalars, hyperparameters, texts and images."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from steno.contracts.points import Points
from steno.records import RunStatus
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.plugins.hparams.api_pb2 import Status
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData
from tensorboard.util.tensor_util import make_ndarray

from steno_tensorboard.folders import component
from steno_tensorboard.reading import TornFile, records

Rename = Callable[[str], str]

_STATUS = {
    Status.STATUS_SUCCESS: RunStatus.FINISHED,
    Status.STATUS_FAILURE: RunStatus.FAILED,
    Status.STATUS_RUNNING: RunStatus.RUNNING,
}
_SUFFIXES = {b"\x89PNG": "png", b"\xff\xd8\xff": "jpg", b"GIF8": "gif", b"RIFF": "webp"}
_IMAGE_TEXTS = 2  # an image summary of TensorFlow 2 begins with width and height


class Contents:
    """Gathers what event files hold; `read` them one after the other.

    Args:
        scratch: A folder for the files that texts and images become.

    Attributes:
        files: Artifacts by path: texts, images, and each event file that holds what is none of these, or is damaged.
        first_s, last_s: Wall times, in seconds; infinite where there is none.
    """

    def __init__(self, scratch: Path) -> None:
        self.points = Points()
        self.params: dict[str, str] = {}
        self.tags: dict[str, str] = {}
        self.files: dict[str, Path] = {}
        self.status: str = RunStatus.FINISHED
        self.problems: list[str] = []
        self.first_s, self.last_s = math.inf, -math.inf
        self._scratch = scratch
        self._plugins: dict[str, str] = {}

    def read(self, path: Path, name: str, rename: Rename = str) -> None:
        """Add what one file holds.

        Args:
            path: The file.
            name: What the file is called in messages and among the artifacts.
            rename: From the tag of a scalar to the key of its series.
        """
        other: Counter[str] = Counter()
        before = len(self.problems)
        try:
            for record in records(path):
                self._add(record, rename, other)
        except (TornFile, DecodeError, ValueError, OverflowError, OSError) as error:
            self.problems.append(f"{name}: {error}; what comes before it is carried")
        if other or len(self.problems) > before:
            self.files[f"events/{name}"] = path  # nothing is lost that has no place here

    def _add(self, record: bytes, rename: Rename, other: Counter[str]) -> None:
        event = Event.FromString(record)
        time_s = event.wall_time
        if not event.HasField("summary"):
            if (kind := event.WhichOneof("what")) not in ("file_version", "source_metadata", None):
                other[kind] += 1
            return
        self.first_s, self.last_s = min(self.first_s, time_s), max(self.last_s, time_s)
        for value in event.summary.value:
            if value.HasField("simple_value"):
                self.points.add(rename(value.tag), event.step, round(time_s * 1000), value.simple_value)
            elif not self._add_by_plugin(value, event.step, time_s, rename):
                other[self._plugin(value) or str(value.WhichOneof("value"))] += 1

    def _plugin(self, value: Any) -> str:
        """Which of TensorBoard's plugins a value is for: it may be told with the first value of a tag only."""
        if named := value.metadata.plugin_data.plugin_name:
            self._plugins[value.tag] = named
        return self._plugins.get(value.tag, "")

    def _add_by_plugin(self, value: Any, step: int, time_s: float, rename: Rename) -> bool:
        plugin = self._plugin(value)
        if plugin == "hparams":
            self._add_session(HParamsPluginData.FromString(value.metadata.plugin_data.content))
        elif value.HasField("image"):
            self._keep_image(value.tag, step, [value.image.encoded_image_string])
        elif plugin == "scalars" and value.HasField("tensor"):
            self.points.add(rename(value.tag), step, round(time_s * 1000), _number(value.tensor))
        elif plugin == "text" and value.HasField("tensor"):
            text = b"\n\n".join(make_ndarray(value.tensor).ravel().tolist())
            self._keep(f"text/{_path(value.tag)}/{step}", "md", text)
        elif plugin == "images" and value.HasField("tensor"):
            self._keep_image(value.tag, step, list(value.tensor.string_val)[_IMAGE_TEXTS:])
        else:
            return False
        return True

    def _add_session(self, data: Any) -> None:
        if data.HasField("session_start_info"):
            start = data.session_start_info
            self.params.update({key: _param(value) for key, value in start.hparams.items()})
            if start.group_name:
                self.tags["tensorboard.session_group"] = start.group_name
        if data.HasField("session_end_info"):
            self.status = _STATUS.get(data.session_end_info.status, RunStatus.FINISHED)

    def _keep_image(self, tag: str, step: int, images: list[bytes]) -> None:
        for image in images:
            suffix = next((name for magic, name in _SUFFIXES.items() if image.startswith(magic)), "img")
            self._keep(f"images/{_path(tag)}/{step}", suffix, image)

    def _keep(self, stem: str, suffix: str, content: bytes) -> None:
        number, key = 1, f"{stem}.{suffix}"
        while key in self.files:
            number += 1
            key = f"{stem}-{number}.{suffix}"
        path = self._scratch / f"{len(self.files)}.{suffix}"
        path.write_bytes(content)
        self.files[key] = path


def first_scalar(path: Path) -> str:
    """The tag of the first scalar of a file, "" if there is none or it cannot be read."""
    try:
        for record in records(path):
            for value in Event.FromString(record).summary.value:
                if value.HasField("simple_value") or value.metadata.plugin_data.plugin_name == "scalars":
                    return str(value.tag)
    except (TornFile, DecodeError, OSError):
        pass  # told when the file is read
    return ""


def _path(tag: str) -> str:
    parts = [
        component(part) for part in tag.removesuffix("/text_summary").split("/") if part
    ]  # added by PyTorch's writer
    return "/".join(parts) or "_"


def _number(tensor: Any) -> float:
    if len(tensor.float_val) == 1:
        return float(tensor.float_val[0])
    return float(make_ndarray(tensor).item())


def _param(value: Any) -> str:
    kind = value.WhichOneof("kind")
    if kind == "number_value":
        number = value.number_value  # TensorBoard keeps whole numbers so too
        return str(int(number)) if number.is_integer() and abs(number) < 1 << 53 else repr(number)
    if kind == "list_value":
        return json.dumps([_param(each) for each in value.list_value.values])
    return "" if kind is None else str(getattr(value, kind))
