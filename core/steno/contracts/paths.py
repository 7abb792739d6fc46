"""The one place where artifact paths are judged."""

from __future__ import annotations

import posixpath

from steno.errors import UnsafePath


def artifact_key(path: str, *, allow_root: bool = False) -> str:
    """Return `path` if it is a safe artifact key, "" only with `allow_root`.

    A safe key is relative, in its simplest POSIX form, never climbs, and holds no NUL, control character
    or backslash, so that joining it to a root stays below the root on every system.

    Raises:
        UnsafePath: Otherwise, with the reason.
    """
    if not isinstance(path, str):
        raise UnsafePath(f"an artifact path is text, not {type(path).__name__}")
    if path == "" and allow_root:
        return path
    reason = _objection(path)
    if reason:
        raise UnsafePath(f"artifact path {path!r} {reason}; give a relative path like 'plots/roc.png'")
    return path


def _objection(path: str) -> str:
    if path in ("", ".", "/"):
        return "names no file"
    if path.startswith("/") or (len(path) > 1 and path[1] == ":"):
        return "is absolute"
    if "\\" in path or any(ord(c) < 32 or ord(c) == 127 for c in path):
        return "holds a backslash or a control character"
    if ".." in path.split("/"):
        return "climbs out with '..'"
    if posixpath.normpath(path) != path:
        return "is not in its simplest form"
    return ""
