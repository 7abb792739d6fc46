"""What `.skops` files cannot hold, each with its reason: refused as the model is saved, since it would not come back.

skops writes some of it without a word and reads it back empty, changed or not at all.
"""

from __future__ import annotations

import copyreg
import sys
from collections import deque
from collections.abc import Iterator, Mapping
from types import FunctionType
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from steno.errors import ModelError

# scikit-learn's own estimators that no `.skops` file can hold; every other public one is kept, which a test goes over.
CANNOT: dict[str, str] = {
    "sklearn.cluster._birch.Birch": "its nodes refer to each other in a circle, for which skops has no form",
}
_MAX_PARTS = 10_000
_JSON_KEYS = (str, int, float, bool)


class Unwritable(Exception):
    """A part of a model that a file cannot hold, and the reason, as what follows "it is of type so-and-so and …"."""

    def __init__(self, part: Any, reason: str) -> None:
        super().__init__(reason)
        self.part, self.reason = part, reason


def refusal(model: Any, part: Any, reason: str) -> ModelError:
    """Return the error that says in one sentence which part cannot be written as skops, why, and what to do."""
    place, kind = _place(model, part), _qualified(type(part))
    what = f"its `{place}`" if place else "it" if part is model else "a part of it"
    remedy = _PICKLE if _can_be_pickled(part) else ""
    return ModelError(
        f"{type(model).__name__} cannot be written as skops, since {what} is of type {kind} and {reason}: "
        f"leave that out{remedy}."
    )


_PICKLE = (
    ", or save it with serialization_format='cloudpickle', which runs code when it is loaded and therefore only for "
    "a caller who lists the names it uses in trusted="
)


def judge_estimator(estimator: Any) -> None:
    """Refuse an estimator of the list, or of a class made from one. Raises: Unwritable."""
    for cls in type(estimator).__mro__:
        if reason := CANNOT.get(_qualified(cls)):
            raise Unwritable(estimator, reason)


def judge_name(part: Any) -> None:
    """Refuse a class or function that cannot be fetched by its name. Raises: Unwritable."""
    _findable(part, part, "it")


def judge_object(part: Any) -> None:
    """Refuse an object whose kind skops makes empty and then fills, where that is not how it is made.

    Raises:
        Unwritable: It is such an object, or a class made from a plain type.
    """
    cls = type(part)
    if part is None or cls in _JSON_KEYS:
        return
    judge_estimator(part)
    if isinstance(part, str | int | float):
        raise Unwritable(part, f"skops would bring it back as a plain {_plain_base(cls).__name__}")
    _findable(part, cls, "its class")
    if cls.__module__.startswith(("sklearn.", "scipy.")) or not _makes_itself(cls):
        return
    made = _reduced(part)
    fills = isinstance(made, tuple) and made[1] in ((), (cls,)) and not any(each is not None for each in made[3:])
    if not (fills or _called_again(part)):
        raise Unwritable(part, "skops keeps an object's attributes, not what such a one is made from")


def judge_collection(part: Any) -> None:
    """Refuse a list, tuple or set of a class that holds more than its items. Raises: Unwritable."""
    cls = type(part)
    if cls in (list, tuple, set):
        return
    _findable(part, cls, "its class")
    if isinstance(part, tuple) and not hasattr(part, "_fields"):
        raise Unwritable(part, "skops would bring it back as a plain tuple")
    if getattr(part, "__dict__", None):
        raise Unwritable(part, "skops keeps its items without its attributes")


def key_texts(part: Mapping[Any, Any]) -> list[str]:
    """Return how the keys of a dict are to be written, so that their types make the same keys of them again.

    Raises:
        Unwritable: They cannot be, or the dict holds more than its items.
    """
    if type(part) is not dict:
        _findable(part, type(part), "its class")
        if any(getattr(part, "__dict__", {}).values()):
            raise Unwritable(part, "skops keeps its items without its attributes")
    texts = [_key_text(part, key) for key in part]
    if len(set(texts)) < len(texts):
        raise Unwritable(part, "two of its keys are the same as text, which is how skops keeps them")
    if any(isinstance(value, property) for value in part.values()):
        raise Unwritable(part, "skops leaves properties out")
    return texts


def judge_defaultdict(part: Mapping[Any, Any]) -> None:
    """Refuse keys that are no texts: skops makes arguments of them. Raises: Unwritable."""
    if not all(type(key) is str for key in part):
        raise Unwritable(part, "skops reads one with texts as keys only")


def judge_array(part: Any) -> None:
    """Refuse arrays that skops reads as something else. Raises: Unwritable."""
    if isinstance(part, np.ndarray) and type(part) is not np.ndarray:
        raise Unwritable(part, "skops keeps plain arrays only")
    if part.dtype.hasobject and (part.ndim == 0 or part.dtype.kind != "O"):
        raise Unwritable(part, "skops keeps objects in an array only if that has a dimension and no fields")


def _key_text(part: Any, key: Any) -> str:
    plain = key.item() if isinstance(key, np.generic) else key
    if type(plain) not in _JSON_KEYS:
        raise Unwritable(part, f"skops has no form for its key {key!r}")
    if type(plain) is bool:
        return "true" if plain else ""  # of any other text, bool makes True
    return str(plain)


def _findable(part: Any, named: Any, which: str) -> None:
    name, qualified = named.__name__, getattr(named, "__qualname__", named.__name__)
    module = getattr(named, "__module__", None)
    if qualified == name and (module is None or hasattr(sys.modules.get(module), name)):
        return
    what = "a lambda has no name" if name == "<lambda>" else f"{which} is not found by name at the top of a module"
    raise Unwritable(part, f"{what}, by which alone skops keeps it")


def _makes_itself(cls: Any) -> bool:
    """Whether a class says itself how its objects are made, in place of what every object inherits."""
    return (
        cls in copyreg.dispatch_table
        or cls.__reduce__ is not object.__reduce__
        or cls.__reduce_ex__ is not object.__reduce_ex__
        or hasattr(cls, "__getnewargs__")
        or hasattr(cls, "__getnewargs_ex__")
    )


def _reduced(part: Any) -> Any:
    reduce = copyreg.dispatch_table.get(type(part))
    return reduce(part) if reduce else part.__reduce_ex__(4)


def _called_again(part: Any) -> bool:
    """Whether skops calls the class with the arguments it had, which is what it looks for first."""
    made = part.__reduce__()
    return made[0] is type(part) and not any(each is not None for each in made[2:])


def _plain_base(cls: type) -> type:
    return next(base for base in (str, int, float) if issubclass(cls, base))


def _can_be_pickled(part: Any) -> bool:
    if isinstance(part, FunctionType | type | BaseEstimator):
        return True
    try:
        _reduced(part)
    except Exception:  # advice: whatever an object of the user's raises here, a pickle of it would too
        return False
    return True


def _qualified(cls: type) -> str:
    return cls.__qualname__ if cls.__module__ == "builtins" else f"{cls.__module__}.{cls.__qualname__}"


def _place(model: Any, part: Any) -> str | None:
    """Return where in a model a part is, as one would write it in Python: `steps[0][1].func`; None if not found."""
    queue, seen = deque([("", model)]), {id(model)}
    while queue and len(seen) < _MAX_PARTS:
        path, holder = queue.popleft()
        for name, value in _parts(holder):
            if value is part:
                return f"{path}{name}".lstrip(".")
            if id(value) not in seen:
                seen.add(id(value))
                queue.append((f"{path}{name}", value))
    return None


def _parts(holder: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(holder, dict):
        yield from ((f"[{key!r}]", value) for key, value in holder.items())
    elif isinstance(holder, list | tuple):
        yield from ((f"[{number}]", value) for number, value in enumerate(holder))
    elif isinstance(getattr(holder, "__dict__", None), dict) and not isinstance(holder, type):
        yield from ((f".{name}", value) for name, value in vars(holder).items())
