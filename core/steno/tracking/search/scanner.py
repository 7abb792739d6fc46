"""Reads a text from left to right, knowing where it stands so that every error can point."""

from __future__ import annotations

import re

from steno.errors import FilterError

# Possessive (`*+`), so that no text makes matching take more than linear time.
BACKTICKED = re.compile(r"`(?:[^`]|``)*+`")
QUOTED = re.compile(r"'(?:[^']|'')*+'|\"(?:[^\"]|\"\")*+\"")
NUMBER = re.compile(r"-?(?:[0-9]++(?:\.[0-9]*+)?+|\.[0-9]++)(?:[eE][+-]?[0-9]++)?+(?![\w.])")
WORD = re.compile(r"\w++")
PATH = re.compile(r"\w++(?:\.\w++)*+")
OPEN, CLOSE, COMMA, DOT = (re.compile(re.escape(mark)) for mark in "(),.")
_SPACE = re.compile(r"\s*+")
_PIECE = re.compile(r"\w[\w.]*+|[<>=!]++|\S")
_MARK_HINTS = {
    ";": "; one search holds one filter",
    ",": "; each key is an element of order_by of its own, conditions are joined by AND or OR",
    **dict.fromkeys("'\"`", "; is a closing quote missing? A quote inside quotes is written twice"),
}


class Scanner:
    """A text and a position in it."""

    __slots__ = ("position", "text")

    def __init__(self, text: str) -> None:
        self.text, self.position = text, 0
        self.skip_space()

    @property
    def at_end(self) -> bool:
        """Whether nothing is left."""
        return self.position == len(self.text)

    def skip_space(self) -> None:
        """Move to the next character that is no white space."""
        match = _SPACE.match(self.text, self.position)
        assert match is not None
        self.position = match.end()

    def sees(self, pattern: re.Pattern[str]) -> str | None:
        """What matches right here, left where it is."""
        match = pattern.match(self.text, self.position)
        return match[0] if match else None

    def take(self, pattern: re.Pattern[str]) -> str | None:
        """Take what matches right here, or None."""
        found = self.sees(pattern)
        self.position += len(found or "")
        return found

    def token(self, pattern: re.Pattern[str]) -> str | None:
        """Take what matches right here and the white space after it, or None."""
        found = self.take(pattern)
        if found is not None:
            self.skip_space()
        return found

    def fail(self, reason: str, position: int | None = None) -> FilterError:
        """The error that points here, or at `position`."""
        return FilterError(reason, self.text, self.position if position is None else position)

    def unexpected(self, wanted: str, hint: str = "") -> FilterError:
        """The error that names what was wanted, what stands here, and what to do."""
        piece = self.sees(_PIECE)
        hint = hint or _MARK_HINTS.get(piece or "", "")
        return self.fail(f"expected {wanted}, found {repr(piece) if piece else 'the end'}{hint}")


def unquote(quoted: str) -> str:
    """The content of a quoted text; the quote character inside is written twice."""
    quote = quoted[0]
    return quoted[1:-1].replace(quote * 2, quote)
