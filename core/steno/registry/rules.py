"""What may be a model's name, an alias, a stage, a version, a source: judged here, before a store is asked."""

from __future__ import annotations

import posixpath
import re
from typing import Any
from urllib.parse import unquote

from steno.errors import InvalidValue
from steno.model_records import Stage

NAME_LENGTH = 256
ALIAS_LENGTH = 255
DESCRIPTION_LENGTH = 5000
LATEST = "latest"
MODELS = "models:"
RUNS = "runs:"

_ALIAS = re.compile(r"[\w-]+")
_LIKE_A_VERSION = re.compile(r"v\d+", re.IGNORECASE)
_STAGES = {stage.casefold(): stage.value for stage in Stage}


def model_name(value: Any) -> str:
    """Return the name of a registered model if it is allowed. Raises: InvalidValue."""
    if not isinstance(value, str) or not value.strip():
        raise InvalidValue(f"a registered model's name is text and not blank, not {_short(value)}")
    if len(value) > NAME_LENGTH:
        raise InvalidValue(f"a registered model's name has at most {NAME_LENGTH} characters; this has {len(value)}")
    wrong = sorted({c for c in value if c in "/:" or not c.isprintable()})
    if wrong or posixpath.normpath(value) != value or value in (".", ".."):
        reason = f"holds {', '.join(map(repr, wrong))}" if wrong else "reads as a path"
        raise InvalidValue(f"a registered model cannot be named {_short(value)}: the name {reason}")
    return value


def alias(value: Any) -> str:
    """Return an alias if it is allowed. Raises: InvalidValue."""
    if not isinstance(value, str) or not _ALIAS.fullmatch(value):
        raise InvalidValue(f"an alias is made of letters, digits, '_' and '-', unlike {_short(value)}")
    if len(value) > ALIAS_LENGTH:
        raise InvalidValue(f"an alias has at most {ALIAS_LENGTH} characters; this has {len(value)}")
    if value.casefold() == LATEST or _LIKE_A_VERSION.fullmatch(value):
        raise InvalidValue(f"the alias {value!r} is taken: 'latest' and 'v1', 'v2', ... stand for versions themselves")
    return value


def stage(value: Any) -> str:
    """Return a stage under its one spelling, whatever its case. Raises: InvalidValue."""
    found = _STAGES.get(value.casefold()) if isinstance(value, str) else None
    if found is None:
        raise InvalidValue(f"there is no stage {_short(value)}; stages are {', '.join(Stage)}")
    return found


def version(value: Any) -> str:
    """Return a version number as text. Raises: InvalidValue."""
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    if not (text.isascii() and text.isdecimal() and len(text) < 19 and int(text) > 0):
        raise InvalidValue(f"a model version is a whole number from 1, not {_short(value)}")
    return str(int(text))


def description(value: Any) -> str:
    """Return a description, "" for None. Raises: InvalidValue."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise InvalidValue(f"a description is text, not {_short(value)}")
    if len(value) > DESCRIPTION_LENGTH:
        raise InvalidValue(f"a description has at most {DESCRIPTION_LENGTH} characters; this has {len(value)}")
    return value


def source(value: Any) -> str:
    """Return the source of a version if it is a URI or path that cannot climb. Raises: InvalidValue."""
    if not isinstance(value, str) or not value.strip():
        raise InvalidValue(f"the source of a model version is a URI or a path, not {_short(value)}")
    plain = value
    while (decoded := unquote(plain)) != plain:  # however often it was encoded
        plain = decoded
    if ".." in re.split(r"[/\\?#=&]", plain) or any(not c.isprintable() for c in plain):
        raise InvalidValue(f"the source {_short(value)} climbs with '..' or holds a control character")
    return value


def _short(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else shown[:60] + "…"
