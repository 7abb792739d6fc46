"""Epochs, told by the data loaders that a loop goes through."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

from torch.utils.data import TensorDataset

_SIZED = (TensorDataset, list, tuple)  # whose length is asked without running code of the user's


class Pass:
    """One pass through a data loader, from `iter()` on; holds neither loader nor iterator.

    How far it got is read as its iterator goes: nothing has to look at it at each step.

    Attributes:
        began_ns: When.
        batches: How many had been given out when it was last looked at.
        batch_size: As the loader was told; None where it was not.
    """

    __slots__ = ("__weakref__", "_iterator", "_loader", "_state", "batch_size", "batches", "began_ns", "samples")

    def __init__(self, loader: Any, iterator: Any, began_ns: int) -> None:
        self._loader = weakref.ref(loader)
        # The callback comes once the iterator is gone, and what it knew is not.
        self._state: dict[str, Any] | None = vars(iterator)
        itself = weakref.ref(self)
        self._iterator = weakref.ref(iterator, lambda _: _gone(itself()))
        self.began_ns = began_ns
        self.batches = 0
        size = vars(loader).get("batch_size")
        self.batch_size: int | None = size if type(size) is int else None
        dataset = vars(loader).get("dataset")
        self.samples: int | None = len(dataset) if type(dataset) in _SIZED else None

    @property
    def loader(self) -> Any:
        """The loader, None once it is gone."""
        return self._loader()

    @property
    def goes_on(self) -> bool:
        """Whether somebody still holds the iterator: a `for` drops it with the last batch."""
        return self._iterator() is not None

    def look(self) -> None:
        """Take note of how far it is."""
        if self._state is not None:
            self.batches = self._state.get("_num_yielded", 0)

    def over(self) -> None:
        """Its iterator is gone."""
        self.look()
        self._state = None

    def samples_seen(self) -> int | None:
        """How many samples it has given out; of a data set of unknown length, as if every batch were full."""
        if self.batch_size is None or not self.batches:
            return None
        seen = self.batches * self.batch_size
        return seen if self.samples is None else min(seen, self.samples)


def _gone(each: Pass | None) -> None:
    if each is not None:
        each.over()


class Epoch:
    """One pass through the training data, with what was recorded in it.

    Attributes:
        number: From 0.
        through: The pass.
        last_step, last_ns: Its last step, and when that was.
    """

    __slots__ = ("_sums", "last_ns", "last_step", "number", "through")

    def __init__(self, number: int, through: Pass) -> None:
        self.number, self.through = number, through
        self.last_step = self.last_ns = 0
        self._sums: dict[str, list[float]] = {}

    def add(self, key: str, value: float, count: int = 1) -> None:
        """Count a value of a series for its mean, or the sum of several."""
        sums = self._sums.setdefault(key, [0.0, 0.0])
        sums[0] += value
        sums[1] += count

    def adder(self, key: str) -> Callable[[float], None]:
        """Return what counts a value that is not known yet."""
        return lambda value: self.add(key, value)

    def summary(self) -> dict[str, float]:
        """What is recorded when it is over."""
        told = {f"{key}_epoch": total / count for key, (total, count) in self._sums.items() if count}
        samples, took_s = self.through.samples_seen(), (self.last_ns - self.through.began_ns) / 1e9
        if samples is not None and took_s > 0.0:
            told["samples_per_second"] = samples / took_s
        return told | {"epoch": float(self.number)}
