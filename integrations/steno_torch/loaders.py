"""Epochs, told by the data loaders that a loop goes through."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

from torch.utils.data import TensorDataset

_SIZED = (TensorDataset, list, tuple)  # whose length is asked without running code of the user's


class Pass:
    """One pass through a data loader, from `iter()` on; holds neither loader nor iterator.

    Attributes:
        began_ns: When.
        batches: How many had been given out when it was last looked at.
        batch_size: As the loader was told; None where it was not.
    """

    __slots__ = ("_iterator", "_loader", "batch_size", "batches", "began_ns", "samples")

    def __init__(self, loader: Any, iterator: Any, began_ns: int) -> None:
        self._loader, self._iterator = weakref.ref(loader), weakref.ref(iterator)
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
        iterator = self._iterator()
        if iterator is not None:
            self.batches = iterator._num_yielded

    def samples_seen(self) -> int | None:
        """How many samples it has given out; of a data set of unknown length, as if every batch were full."""
        if self.batch_size is None or not self.batches:
            return None
        seen = self.batches * self.batch_size
        return seen if self.samples is None else min(seen, self.samples)


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

    def add(self, key: str, value: float) -> None:
        """Count a value of a series for its mean."""
        sums = self._sums.get(key)
        if sums is None:
            self._sums[key] = [value, 1.0]
        else:
            sums[0] += value
            sums[1] += 1.0

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
