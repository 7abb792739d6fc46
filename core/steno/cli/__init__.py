"""The `steno` command: look at runs, move them about, keep the store in order."""

from __future__ import annotations

from steno.cli.root import main

__all__ = ["main"]
