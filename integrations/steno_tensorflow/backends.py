"""Keeps Keras, as it writes a model, from importing a backend that the user's program has not."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

try:
    from keras.src.utils import module_utils
except ImportError:  # private: in another Keras it may lie elsewhere
    module_utils = None

_BACKENDS = ("tensorflow", "jax")


@contextmanager
def as_imported() -> Iterator[None]:
    """Let Keras count a backend that is installed but not imported as missing.

    Keras asks whether an object is one of TensorFlow's by importing TensorFlow, also on another backend: seconds, and
    messages on stderr. A process that has not imported it has no such object.
    """
    held = [module for name in _BACKENDS if (module := _unasked(name)) is not None]
    for module in held:
        module._available = False
    try:
        yield
    finally:
        for module in held:
            if module._available is False:
                module._available = None


def _unasked(name: str) -> Any:
    """Return what Keras knows of a backend, if that is nothing yet; private, so perhaps not there."""
    module = getattr(module_utils, name, None)
    asked = getattr(module, "_available", False) is not None
    return None if asked or name in sys.modules else module
