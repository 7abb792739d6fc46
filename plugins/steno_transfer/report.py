"""What a transfer carried, what was there already, and what could not be carried and why."""

from __future__ import annotations

from collections import Counter

from msgspec import Struct, field

CARRIED = (
    "experiments",
    "runs",
    "params",
    "points",
    "tags",
    "inputs",
    "artifacts",
    "artifact_bytes",
    "logged_models",
    "registered_models",
    "model_versions",
    "aliases",
)
"""What is counted, in the order in which it is told."""


class Report(Struct):
    """What a transfer did.

    Attributes:
        carried: How many of each of `CARRIED` were written.
        already_there: Runs and models that the target had, from an earlier transfer or otherwise; they stay as is.
        renamed: What has another id or number at the target, a line each.
        notes: What a reader should know, and is no loss.
        left: What could not be carried, a sentence each.
    """

    carried: dict[str, int] = field(default_factory=lambda: dict.fromkeys(CARRIED, 0))
    already_there: int = 0
    renamed: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)

    def count(self, **amounts: int) -> None:
        """Add to what was carried."""
        for name, amount in amounts.items():
            self.carried[name] += amount

    def leave(self, what: str) -> None:
        """Note what could not be carried."""
        if what not in self.left:
            self.left.append(what)

    @property
    def changes(self) -> int:
        """How many things were written."""
        return Counter(self.carried).total()
