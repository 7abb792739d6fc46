"""`steno import tensorboard`: each folder with event files is a run, less those that a `SummaryWriter` makes."""

from __future__ import annotations

import math
import re
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from msgspec import Struct, field
from steno.contracts.importing import ForeignRun
from steno.errors import NotFound

from steno_tensorboard.contents import Contents, Rename, first_scalar

_NAMED_BY_TIME = re.compile(r"[0-9]{9,}(\.[0-9]+)?")


class _Folder(Struct):
    """A folder with event files.

    Attributes:
        key: Its path below the root, "." for the root itself.
        files: Oldest first.
        parts: Folders that a `SummaryWriter` made for this run, each with the prefix of its series or ''.
    """

    key: str
    files: list[Path]
    parts: list[tuple[_Folder, str]] = field(default_factory=list)


class EventFiles:
    """The importer of TensorBoard's folders."""

    def runs(self, location: str) -> Iterator[ForeignRun]:
        """Yield the runs below a folder, in order of their paths. Raises: NotFound."""
        root = Path(location).expanduser().resolve()
        if not root.is_dir():
            raise NotFound(f"there is no folder {location}; name the one that `tensorboard --logdir` is given")
        folders = _found(root)
        if not folders:
            raise NotFound(f"there is no event file (events.out.tfevents.*) in {location} or below")
        for key in _without_parts(folders):
            with tempfile.TemporaryDirectory(prefix="steno-tensorboard-") as scratch:
                yield _run(root, folders, key, Path(scratch))


def _found(root: Path) -> dict[str, _Folder]:
    folders: dict[str, _Folder] = {}
    for path in sorted(root.rglob("*tfevents*"), key=lambda path: (path.parent.parts, path.name)):
        if path.is_file() and not path.name.endswith(".profile-empty"):
            key = path.parent.relative_to(root).as_posix()
            folders.setdefault(key, _Folder(key, [])).files.append(path)
    return folders


def _parent(folders: dict[str, _Folder], key: str) -> _Folder | None:
    """The nearest folder above that is a run."""
    above = PurePosixPath(key).parents if key != "." else ()
    return next((folders[str(each)] for each in above if str(each) in folders), None)


def _without_parts(folders: dict[str, _Folder]) -> list[str]:
    """The keys of the runs; a folder that is a part of one is put there."""
    own: list[str] = []
    by_time: dict[str, list[_Folder]] = {}
    for key, folder in folders.items():
        parent = _parent(folders, key)
        prefix = "" if parent is None else _series_prefix(parent, folder)
        if parent is not None and prefix:
            parent.parts.append((folder, prefix))
            continue
        own.append(key)
        if parent is not None and _NAMED_BY_TIME.fullmatch(_below(parent, key)):
            by_time.setdefault(parent.key, []).append(folder)
    for above, children in by_time.items():
        if len(children) == 1 and not _has_children(folders, children[0]):
            folders[above].parts.append((children[0], ""))
            own.remove(children[0].key)
    return own


def _has_children(folders: dict[str, _Folder], folder: _Folder) -> bool:
    return any(_parent(folders, key) is folder for key in folders)


def _below(parent: _Folder, key: str) -> str:
    return key if parent.key == "." else key[len(parent.key) + 1 :]


def _series_prefix(parent: _Folder, folder: _Folder) -> str:
    """The main tag of `add_scalars(main_tag, …)` with a "/" if it made this folder, which is named by both tags."""
    if "_" not in (below := _below(parent, folder.key)):
        return ""
    tag = first_scalar(folder.files[0])
    made = f"{tag.replace('/', '_')}_"
    return f"{tag}/" if tag and below.startswith(made) and len(below) > len(made) else ""


def _run(root: Path, folders: dict[str, _Folder], key: str, scratch: Path) -> ForeignRun:
    folder, parent = folders[key], _parent(folders, key)
    contents = Contents(scratch)
    _read(contents, folder.files, "")
    for part, prefix in folder.parts:
        rename = _into_series(prefix, _below(folder, part.key)) if prefix else _beside(set(contents.points.last))
        _read(contents, part.files, f"{_below(folder, part.key)}/", rename)
    return ForeignRun(
        key=key,
        experiment=root.name,
        name=root.name if key == "." else key,
        status=contents.status,
        start_time=_ms(contents.first_s, folder.files),
        end_time=_ms(contents.last_s, folder.files),
        params=contents.params,
        tags=contents.tags,
        series=contents.points,
        artifacts=contents.files or None,
        problems=contents.problems,
        parent=parent.key if parent else None,
    )


def _read(contents: Contents, files: Iterable[Path], below: str, rename: Rename = str) -> None:
    for path in files:
        contents.read(path, below + path.name, rename)


def _into_series(prefix: str, below: str) -> Rename:
    rest = below[len(prefix) :]  # the folder's name is the main tag and the tag, as long as prefix and rest
    return lambda tag: prefix + rest if tag == prefix[:-1] else f"{below}/{tag}"


def _beside(taken: set[str]) -> Rename:
    return lambda tag: f"hparams/{tag}" if tag in taken else tag


def _ms(time_s: float, files: list[Path]) -> int:
    """Milliseconds; of a run without events the time that its file is from."""
    return round(time_s * 1000) if math.isfinite(time_s) else int(files[0].stat().st_mtime * 1000)


importer = EventFiles()
