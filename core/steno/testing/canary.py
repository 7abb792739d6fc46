"""What tells that a file was executed rather than read."""

from __future__ import annotations

import pickle
import uuid
from pathlib import Path
from typing import Any


class Canary:
    """Leaves a file if a pickle of it is executed.

    Attributes:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.path,))

    @property
    def executed(self) -> bool:
        """Whether a pickle of it was executed."""
        return self.path.exists()

    @property
    def pickle(self) -> bytes:
        """A pickle that does it."""
        return pickle.dumps(self)

    @property
    def source(self) -> str:
        """A Python module that does it as it is imported."""
        return f"import pathlib\npathlib.Path({str(self.path)!r}).touch()\n"


def canary_in(folder: Path) -> Canary:
    """Return a canary whose file would lie in a folder."""
    return Canary(folder / f"executed-{uuid.uuid4().hex}")
