"""What a Dask cluster keeps of a model: its files, which each worker unpacks as it comes, late ones too."""

from __future__ import annotations

from typing import Any

from distributed import WorkerPlugin

from steno_scoring.archive import unpack


class ModelFiles(WorkerPlugin):  # type: ignore[misc]  # distributed has no types
    """A model's archive, unpacked on every worker."""

    def __init__(self, name: str, content: bytes) -> None:
        self.name, self.content = name, content

    def setup(self, worker: Any) -> None:
        """Unpack it, for the worker's process."""
        unpack(self.content, self.name)
