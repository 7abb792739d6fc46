"""A module as a text: its parts and their parameters. Runs nothing of it, as Lightning's own summary might."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from torch.nn import Module
from torch.nn.parameter import is_lazy

PATH = "model_summary.txt"
MOST_PARTS = 2000
_HEADS = ("", "Name", "Type", "Params", "Mode")


def text_of(module: Module) -> str:
    """Return the table of a module's parts, and the sums."""
    rows = [_HEADS, *_rows(module)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADS))]
    lines = [" | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    lines.insert(1, "-" * max(map(len, lines)))
    return "\n".join([*lines, lines[1], *_sums(module)]) + "\n"


def _rows(module: Module) -> Iterator[tuple[str, ...]]:
    for number, (name, part) in enumerate(module.named_modules()):
        if number > MOST_PARTS:
            yield "…", "", "", "", ""
            return
        if name:
            mode = "train" if part.training else "eval"
            yield str(number - 1), name, type(part).__name__, f"{_count(part.parameters()):,}", mode


def _sums(module: Module) -> Iterator[str]:
    parameters = list(module.parameters())
    trainable = _count(each for each in parameters if each.requires_grad)
    total = _count(parameters)
    size_bytes = sum(each.numel() * each.element_size() for each in parameters if not is_lazy(each))
    yield f"{trainable:,} trainable parameters"
    yield f"{total - trainable:,} other parameters"
    yield f"{total:,} parameters in all"
    yield f"{size_bytes / 1e6:.3f} MB"


def _count(parameters: Iterable[Any]) -> int:
    # A lazy module learns its shapes from its first batch.
    return sum(each.numel() for each in parameters if not is_lazy(each))
