"""A booster as the text that is its model file: what is kept of it until it is written."""

from __future__ import annotations

from typing import Any, NamedTuple


class TextModel(NamedTuple):
    """What `Booster.model_to_string` gave, and the booster's class."""

    text: str
    kind: type[Any]
