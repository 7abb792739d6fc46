"""What the doctor says: findings, and their table."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from steno.errors import StenoError

if TYPE_CHECKING:
    from rich.table import Table

    from steno.cli.session import Session

STYLES = {"ok": "green", "note": "yellow", "problem": "red"}


class Finding(NamedTuple):
    """One line of the report; `state` is ok, note or problem. `more` is for programs."""

    subject: str
    state: str
    detail: str
    remedy: str = ""
    more: dict[str, Any] = {}  # noqa: RUF012 - a default of a tuple's field


def examined(examine: Callable[[Session], Iterator[Finding]], session: Session) -> Iterator[Finding]:
    """Yield what an examination finds; one that cannot be made is a finding too."""
    try:
        yield from examine(session)
    except (StenoError, OSError) as error:
        yield Finding(examine.__name__.strip("_"), "problem", str(error))


def table_of(findings: list[Finding]) -> Table:
    """The findings, a line each."""
    from steno.cli.tables import cell, table

    rows = [
        (finding.subject, cell(finding.state, STYLES[finding.state]), finding.detail, finding.remedy)
        for finding in findings
    ]
    return table(["", "", "", "remedy"], rows)
