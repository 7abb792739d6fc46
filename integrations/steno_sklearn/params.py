"""What is said of an estimator: its params as text, and its tags."""

from __future__ import annotations

from itertools import islice
from typing import Any

from steno.autolog.params import show

MOST_PARAMS = 500


def params_of(estimator: Any, *, deep: bool = True) -> dict[str, str]:
    """Return the params of an estimator as texts, the first 500 of them; none where it has no `get_params`."""
    get_params = getattr(estimator, "get_params", None)
    if get_params is None:
        return {}
    return {key: show(value) for key, value in islice(get_params(deep=deep).items(), MOST_PARAMS)}


def tags_of(estimator: Any) -> dict[str, str]:
    """Return the tags that name an estimator's class."""
    kind = type(estimator)
    return {"estimator_name": kind.__name__, "estimator_class": f"{kind.__module__}.{kind.__qualname__}"}
