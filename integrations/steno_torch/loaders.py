"""Epochs, told by the data loaders that a loop goes through."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from time import time_ns
from typing import Any

from torch.utils.data import SubsetRandomSampler, TensorDataset

_SIZED = (TensorDataset, list, tuple)  # whose length is asked without running code of the user's


class Data:
    """What a data loader goes through; holds none of it."""

    __slots__ = ("_dataset", "_loader", "_sampler")

    def __init__(self, loader: Any) -> None:
        own = vars(loader)
        self._loader = weakref.ref(loader)
        self._dataset, self._sampler = _reference(own.get("dataset")), None
        if isinstance(own.get("sampler"), SubsetRandomSampler):
            self._sampler = weakref.ref(own["sampler"])

    @property
    def dataset(self) -> Any:
        """The data set, None once it is gone."""
        if self._dataset is not None:
            return self._dataset()
        loader = self._loader()
        return vars(loader).get("dataset") if loader is not None else None

    @property
    def is_gone(self) -> bool:
        """Whether nobody holds it any more."""
        return self.dataset is None

    def is_of(self, other: Data) -> bool:
        """Whether these are the same data, or some of them: two subsets of one data set are not."""
        mine, other_s = self._sampler, other._sampler
        parts = mine is not None and other_s is not None and mine() is not other_s()
        return not parts and self.dataset is not None and self.dataset is other.dataset


def _reference(dataset: Any) -> weakref.ref[Any] | None:
    try:
        return weakref.ref(dataset)
    except TypeError:
        return None  # a list


class Pass:
    """One pass through a data loader, from `iter()` on; holds neither loader nor iterator.

    How far it got is read as its iterator goes: nothing has to look at it at each step.

    Attributes:
        began_ns: When.
        batches: How many had been given out when it was last looked at.
        batch_size: As the loader was told; None where it was not.
        data: What it goes through.
        reference: To the loader, which may be gone before the iterator.
        over_ns: When its iterator was gone; 0 until then.
    """

    __slots__ = (
        "__weakref__",
        "_iterator",
        "_state",
        "batch_size",
        "batches",
        "began_ns",
        "data",
        "over_ns",
        "reference",
        "samples",
    )

    def __init__(self, loader: Any, iterator: Any, began_ns: int) -> None:
        self.reference = weakref.ref(loader)
        # The callback comes once the iterator is gone, and what it knew is not.
        self._state: dict[str, Any] | None = vars(iterator)
        itself = weakref.ref(self)
        self._iterator = weakref.ref(iterator, lambda _: _gone(itself()))
        self.began_ns = began_ns
        self.batches = self.over_ns = 0
        self.data = Data(loader)
        size = vars(loader).get("batch_size")
        self.batch_size: int | None = size if type(size) is int else None
        dataset = vars(loader).get("dataset")
        self.samples: int | None = len(dataset) if type(dataset) in _SIZED else None

    @property
    def loader(self) -> Any:
        """The loader, None once it is gone."""
        return self.reference()

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
        self.over_ns = time_ns()
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
