"""LIKE and ILIKE that mean the same in both databases: % and _ and nothing else, letters folded as Unicode says."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Boolean, ColumnElement, func
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement, GenericFunction


class alike(FunctionElement[bool]):  # noqa: N801  # called like a function of SQL
    """Whether a text is like a pattern; letters in lower and upper case differ."""

    type = Boolean()
    inherit_cache = True


class folded(GenericFunction[str]):  # noqa: N801
    """A text in lower case."""

    inherit_cache = True


def like(column: ColumnElement[Any], pattern: str) -> ColumnElement[bool]:
    """Return `column LIKE pattern`."""
    return alike(column, pattern)


def ilike(column: ColumnElement[Any], pattern: str) -> ColumnElement[bool]:
    """Return `column ILIKE pattern`."""
    return alike(func.folded(column), func.folded(pattern))


@compiles(alike)
def _plain(element: alike, compiler: SQLCompiler, **kw: Any) -> str:
    column, pattern = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"({column} LIKE {pattern})"


@compiles(alike, "postgresql")
def _without_escape(element: alike, compiler: SQLCompiler, **kw: Any) -> str:
    column, pattern = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"({column} LIKE {pattern} ESCAPE '')"


@compiles(folded)
def _lower(element: folded, compiler: SQLCompiler, **kw: Any) -> str:
    return f"lower({compiler.process(element.clauses, **kw)})"


@compiles(folded, "postgresql")
def _lower_by_unicode(element: folded, compiler: SQLCompiler, **kw: Any) -> str:
    # The collation of the columns knows the letters of ASCII; this one is there wherever PostgreSQL has ICU.
    return f'lower({compiler.process(element.clauses, **kw)} COLLATE "und-x-icu")'
