"""The house style of tables, safe against whatever a recorded text may hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

STATUS_STYLES = {"FINISHED": "green", "RUNNING": "cyan", "SCHEDULED": "cyan", "FAILED": "red", "KILLED": "yellow"}
MAX_CELL = 200


def table(headers: Sequence[str], rows: Iterable[Sequence[str | Text]], *, title: str = "") -> Table:
    """A table; a header that begins with ">" aligns its column right."""
    from rich import box
    from rich.table import Table

    made = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, title_justify="left", title_style="bold")
    made.title = cell(title) if title else None
    for header in headers:
        right = header.startswith(">")
        made.add_column(cell(header.removeprefix(">")), justify="right" if right else "left", overflow="fold")
    for row in rows:
        made.add_row(*(cell(value) if isinstance(value, str) else value for value in row))
    return made


def cell(value: str, style: str = "") -> Text:
    """One line of plain text: no markup is read, and no control character reaches the terminal."""
    from rich.text import Text

    shown = "".join(c if c.isprintable() else " " for c in value[:MAX_CELL])
    return Text(shown + ("…" if len(value) > MAX_CELL else ""), style)


def status(value: str) -> Text:
    """A run's status in its colour."""
    return cell(value, STATUS_STYLES.get(value, ""))


def fields(values: Mapping[str, str | Text]) -> Table:
    """A name and a value a line; empty values are left out."""
    made = table(["", ""], [(name, value) for name, value in values.items() if str(value)])
    made.show_header = False
    return made
