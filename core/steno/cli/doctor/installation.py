"""What this installation works with: versions, plugins, the store, journals, disks."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from steno.cli.doctor.findings import Finding
from steno.cli.formats import size
from steno.cli.session import Session, embedded_path

LOW_DISK_BYTES = 1 << 30
_NETWORK_FILE_SYSTEMS = ("nfs", "nfs4", "cifs", "smb3", "smbfs", "fuse.sshfs", "9p", "lustre", "glusterfs", "ceph")


def _installation(session: Session) -> Iterator[Finding]:
    import platform
    import sqlite3

    import steno

    yield Finding("steno", "ok", f"{steno.__version__} in {Path(steno.__file__).parent}")
    yield Finding("python", "ok", f"{platform.python_version()} at {sys.executable}")
    yield Finding("platform", "ok", f"{platform.platform()}, SQLite {sqlite3.sqlite_version}")


def _plugins(session: Session) -> Iterator[Finding]:
    from steno.plugins import plugins

    for plugin in plugins().states():
        subject, origin = f"plugin {plugin.name}", f"{plugin.distribution} {plugin.version}".strip()
        if plugin.state == "active":
            if plugin.hooks:
                yield Finding(subject, "ok", origin)
            else:
                remedy = "mark its functions with steno.hookimpl, or correct its entry point"
                yield Finding(subject, "note", f"{origin} implements no hook", remedy)
        elif plugin.state == "blocked":
            yield Finding(subject, "note", f"blocked ({origin})", plugin.remedy)
        else:
            yield Finding(subject, "problem", plugin.state, plugin.remedy)


def _tracking_uri(session: Session) -> Iterator[Finding]:
    from steno import settings

    origin = "--tracking-uri" if session.tracking_uri else settings.origin_of("tracking_uri")
    yield Finding("tracking URI", "ok", f"{session.uri} (from {origin})")


def _store(session: Session) -> Iterator[Finding]:
    path = embedded_path(session.uri)
    if path is not None and not path.exists():
        yield Finding("store", "note", f"{path} is not there yet", "the first run makes it")
        return
    store = session.open_store()
    store.get_experiment_by_name("Default")
    version = getattr(store, "schema_version", "")
    yield Finding("store", "ok", f"reachable{f', tables of version {version}' if version else ''}")
    if path is not None:
        yield from _disk("store", path.parent)
        yield from _file_system(path)


def _journal(session: Session) -> Iterator[Finding]:
    from steno.tracking import places, recovery

    folder = places.journal_folder(session.uri)
    yield Finding("journal", "ok", str(folder))
    yield from _disk("journal", folder)
    for journal in recovery.check(folder) if folder.exists() else ():
        subject = f"journal of {journal.run_id or Path(journal.path).name}"
        if journal.state == "damaged":
            yield Finding(subject, "problem", journal.damage, "`steno sync` delivers what can be read")
        elif journal.state == "waiting":
            detail = f"{size(journal.pending_bytes)} to deliver; its process is gone"
            yield Finding(subject, "note", detail, "`steno sync` delivers it now, the next run by itself")
        else:
            yield Finding(subject, "ok", "in use")


def _disk(subject: str, folder: Path) -> Iterator[Finding]:
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    low = free < LOW_DISK_BYTES
    remedy = "make room, or move it (STENO_TRACKING_URI, STENO_JOURNAL_DIR); `steno gc` may help" if low else ""
    yield Finding(f"{subject} disk", "problem" if low else "ok", f"{size(free)} free", remedy)


def _file_system(path: Path) -> Iterator[Finding]:
    kind = file_system_of(path.resolve(), mounts())
    if kind in _NETWORK_FILE_SYSTEMS:
        remedy = "keep it on a local disk: SQLite's write-ahead log needs shared memory, which this lacks"
        yield Finding("store disk", "problem", f"a network file system ({kind})", remedy)


def mounts() -> list[tuple[str, str]]:
    """Mount points with their file systems; empty where the system does not tell."""
    try:
        lines = Path("/proc/self/mounts").read_text(errors="replace").splitlines()
    except OSError:
        return []
    return [(fields[1], fields[2]) for fields in map(str.split, lines) if len(fields) > 2]


def file_system_of(path: Path, mounted: list[tuple[str, str]]) -> str:
    """The file system that holds a path, "" where unknown; of two mounts on one point the later one counts."""
    above = [(len(point), index, kind) for index, (point, kind) in enumerate(mounted) if path.is_relative_to(point)]
    return max(above)[2] if above else ""


EXAMINATIONS: tuple[Callable[[Session], Iterator[Finding]], ...] = (
    _installation,
    _plugins,
    _tracking_uri,
    _store,
    _journal,
)
