"""What a plugin returned as tags of a run, made sound: text by key, bounded, nothing that a store would refuse."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import islice
from typing import Any

from steno.errors import PluginError

MOST_TAGS = 100
KEY_LENGTH, VALUE_LENGTH = 250, 8000
_KEY = re.compile(r"[/\w.\- :]+")


def sound(found: Any) -> dict[str, str]:
    """Return tags as text; long values are cut, numbers and truth values written out.

    Raises:
        PluginError: It is no mapping of texts, has a bad key, or holds more than a plugin may add to every run.
    """
    if not isinstance(found, Mapping):
        raise PluginError(f"steno_run_tags returned {type(found).__name__}, not a mapping of tags")
    tags: dict[str, str] = {}
    for key, value in islice(found.items(), MOST_TAGS + 1):
        if len(tags) == MOST_TAGS:
            raise PluginError(f"steno_run_tags returned more than {MOST_TAGS} tags")
        if not isinstance(key, str) or len(key) > KEY_LENGTH or not _KEY.fullmatch(key):
            raise PluginError(f"steno_run_tags returned the key {str(key)[:60]!r}, which is none a tag may have")
        if not isinstance(value, str | int | float):
            raise PluginError(f"steno_run_tags returned {type(value).__name__} as tag {key!r}, not text")
        tags[key] = str(value)[:VALUE_LENGTH]
    return tags
