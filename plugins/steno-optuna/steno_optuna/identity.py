"""Ids that every process finds by itself from what they all read in a study's storage; nothing is written there."""

from __future__ import annotations

import calendar
import hashlib
import uuid
import weakref
from datetime import datetime
from typing import Any

from optuna.storages import InMemoryStorage

_in_memory: weakref.WeakKeyDictionary[Any, str] = weakref.WeakKeyDictionary()


def id_of_study(study: Any, first_began: datetime | None) -> str:
    """Return a run id for a study.

    A study in memory is this process's alone. Any other is known by its name and by when its first trial began: the
    address of its storage would not do, for it differs between those who mean the same.

    Args:
        study: The study; it has a trial.
        first_began: When trial 0 began, as its storage says.
    """
    storage = study._storage
    if isinstance(storage, InMemoryStorage):
        token = _in_memory.setdefault(storage, uuid.uuid4().hex)
        known = f"{token} {study._study_id}"
    else:
        began = first_began.isoformat(timespec="microseconds") if first_began is not None else ""
        known = f"{began} {study.study_name}"
    return _id(known, first_began, 0)


def id_of_trial(parent_id: str, study_id: str, number: int, first_began: datetime | None) -> str:
    """Return a run id for a trial: another in each run that the study is recorded in."""
    return _id(f"{parent_id} {study_id} {number}", first_began, number + 1)


def _id(known: str, began: datetime | None, later_ms: int) -> str:
    """A UUID of version 7 whose random part is not random; ids are in the order of the trials."""
    # As if it were UTC, whatever it is: the text is the same in all time zones, the moment is not.
    since = calendar.timegm(began.timetuple()) * 1000 + began.microsecond // 1000 if began is not None else 0
    digest = int.from_bytes(hashlib.sha256(known.encode("utf-8", "backslashreplace")).digest()[:16], "big")
    high, low = (digest >> 62) & 0xFFF, digest & ((1 << 62) - 1)
    return f"{((since + later_ms) & ((1 << 48) - 1)) << 80 | 7 << 76 | high << 64 | 2 << 62 | low:032x}"
