"""Writes a large model of trees a few rounds at a time: XGBoost's own writer holds a model three times over."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import xgboost
from xgboost.core import XGBoostError

from steno_xgboost.model_spans import elements, members

_PIECE_BYTES = 4 << 20
# Below, XGBoost's own writer is quicker and takes no memory to speak of.
_LARGE_BYTES = 8 * _PIECE_BYTES
# Before, counting the splits of a tree with several outputs ends the process.
_IS_SAFE = int(xgboost.__version__.partition(".")[0]) >= 3
_NODE_BYTES, _TREE_BYTES = 45, 1000
_INTEGERS = ((b"i", 1), (b"I", 2), (b"l", 4), (b"L", 8))


class _Layout(NamedTuple):
    """Which trees make a round, and which output each is for."""

    bounds: list[int]
    groups: list[int]


def write(model: Any, path: Path, *, large_bytes: int = _LARGE_BYTES, piece_bytes: int = _PIECE_BYTES) -> bool:
    """Write what `save_model` writes, byte by byte, if the model is large and made of rounds of trees.

    The model is left as it is, and may predict meanwhile. Beside it some six pieces are held, of one round at least.

    Args:
        model: A booster or wrapper of one of XGBoost's own classes.
        path: The file to be, as UBJSON; anything may be there afterwards if this returns False.
        large_bytes: The least size that is written in pieces.
        piece_bytes: The size of a piece.

    Returns:
        Whether it is written; else `save_model` is to do it.

    Raises:
        OSError: The file cannot be written.
    """
    booster = model if isinstance(model, xgboost.Booster) else model.get_booster()
    rounds = booster.num_boosted_rounds()
    if not _IS_SAFE or rounds < 2:
        return False
    try:
        whole_bytes = size_bytes(booster)
        if whole_bytes < large_bytes or _has_categories(booster):
            return False
        first = _slice(booster, 0, 1)
        begin, frame = _Piece(first.save_raw("ubj")), _framed(model, first, path)
        at_once = piece_bytes // max(whole_bytes // rounds, len(begin.data))
        pieces = _Pieces(booster, rounds, max(1, at_once), begin.frame)
        expected = _repeated(begin.layout, rounds)
        found = _write(path, frame, expected, pieces)
        # Rounds of different numbers of trees: only now is it known how many there are.
        return found == expected or _write(path, frame, found, pieces) == found
    except (XGBoostError, ValueError, LookupError, TypeError):  # no rounds of trees, or not in the form known here
        return False


def size_bytes(booster: xgboost.Booster) -> int:
    """Return about how large the file of a model of trees will be, without making any of it; 0 if nothing can tell.

    Raises:
        XGBoostError: It is no model of trees.
    """
    if not _IS_SAFE:
        return 0
    splits = int(sum(booster.get_score(importance_type="weight").values()))
    rounds: int = booster.num_boosted_rounds()
    return _NODE_BYTES * 2 * splits + _TREE_BYTES * rounds


def _has_categories(booster: xgboost.Booster) -> bool:
    """Return whether it holds the categories of its table, as XGBoost does since 3.1: a slice loses them."""
    return hasattr(booster, "get_categories") and not booster.get_categories().empty()


class _Piece:
    """A model file in memory: its trees, and what is around them."""

    def __init__(self, data: bytearray) -> None:
        self.data = data
        learner = members(data, members(data, 0)[b"learner"].begin)
        model = members(data, members(data, learner[b"gradient_booster"].begin)[b"model"].begin)
        count = members(data, model[b"gbtree_model_param"].begin)[b"num_trees"]
        self._bounds, self._groups, self._trees = model[b"iteration_indptr"], model[b"tree_info"], model[b"trees"]
        changing = (count, self._bounds, self._groups, self._trees)
        begins, ends = [0, *(span.end for span in changing)], [*(span.begin for span in changing), len(data)]
        if any(begin >= end for begin, end in zip(begins, ends, strict=True)):
            raise ValueError("the parts are in another order")
        self.frame = [bytes(data[begin:end]) for begin, end in zip(begins, ends, strict=True)]

    @property
    def layout(self) -> _Layout:
        return _Layout(self._integers(self._bounds.begin), self._integers(self._groups.begin))

    def _integers(self, begin: int) -> list[int]:
        spans = elements(self.data, begin)
        return [int.from_bytes(self.data[span.begin + 1 : span.end], "big", signed=True) for span in spans]

    def trees(self, number: int) -> Iterator[bytes | memoryview]:
        """Yield what is to be written of the trees, the first of which gets that number."""
        view = memoryview(self.data)
        for span in elements(self.data, self._trees.begin):
            old = members(self.data, span.begin)[b"id"]
            yield view[span.begin : old.begin]
            yield _integer(number)
            yield view[old.end : span.end]
            number += 1


class _Pieces(NamedTuple):
    """A booster, to be read a few rounds at a time."""

    booster: xgboost.Booster
    rounds: int
    at_once: int
    frame: list[bytes]

    def read(self) -> Iterator[_Piece]:
        """Raises: ValueError if a piece is unlike the first."""
        for begin in range(0, self.rounds, self.at_once):
            piece = _Piece(_slice(self.booster, begin, min(begin + self.at_once, self.rounds)).save_raw("ubj"))
            if piece.frame != self.frame:
                raise ValueError("the rounds differ in more than their trees")
            yield piece


def _slice(booster: xgboost.Booster, begin: int, end: int) -> xgboost.Booster:
    """Return some rounds with the attributes of the whole, which XGBoost leaves out."""
    part = booster[begin:end]
    part.set_attr(**booster.attributes())
    return part


def _framed(model: Any, part: xgboost.Booster, path: Path) -> list[bytes]:
    """Return what the model's own class writes around the trees: a wrapper adds to the attributes."""
    if isinstance(model, xgboost.Booster):
        part.save_model(path)
    else:
        twin = copy.copy(model)
        twin._Booster = part
        twin.save_model(path)
    return _Piece(bytearray(path.read_bytes())).frame


def _repeated(one: _Layout, rounds: int) -> _Layout:
    return _Layout([number * len(one.groups) for number in range(rounds + 1)], one.groups * rounds)


def _write(path: Path, frame: list[bytes], layout: _Layout, pieces: _Pieces) -> _Layout:
    """Write the file with a layout that is expected, and return the one that the trees have."""
    found = _Layout([0], [])
    count = str(len(layout.groups)).encode()
    changing = [b"SL" + _long(len(count)) + count, _integers(layout.bounds), _integers(layout.groups)]
    with open(path, "wb") as file:
        for around, between in zip(frame, [*changing, b"[#L" + _long(len(layout.groups))], strict=False):
            file.write(around + between)
        for piece in pieces.read():
            here = len(found.groups)
            file.writelines(piece.trees(here))
            part = piece.layout
            found.bounds.extend(here + bound for bound in part.bounds[1:])
            found.groups.extend(part.groups)
        file.write(frame[-1])
    return found


def _integers(numbers: Iterable[int]) -> bytes:
    written, count = bytearray(), 0
    for count, number in enumerate(numbers, 1):  # noqa: B007 - the last is how many they are
        written += _integer(number)
    return b"[#L" + _long(count) + written


def _integer(number: int) -> bytes:
    """Return a number that is not negative in the smallest form XGBoost writes it in, which leaves out the largest."""
    marker, size = next((marker, size) for marker, size in _INTEGERS if number < (1 << 8 * size - 1) - 1)
    return marker + number.to_bytes(size, "big")


def _long(number: int) -> bytes:
    return number.to_bytes(8, "big")
