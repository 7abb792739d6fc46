"""The suite for integrations, part four: on and off without a trace, and looking like itself while on (P7)."""

from __future__ import annotations

from types import FunctionType, ModuleType

from steno.autolog import autolog
from steno.testing.surface import changed, surface
from steno.testing.trainings import Trainings
from steno.testing.watched import looks, packages, targets


class SwitchTests(Trainings):
    """Signatures, identities and pickles."""

    by_name = True
    """Whether the framework's functions are imported by name: then each stays the object it is while watched."""

    def test_what_is_watched_looks_like_itself(self) -> None:
        """Signature, name and documentation hold while on, and pickles are the original's."""
        self.on()
        found = targets(self.name)
        assert found
        watched = [target.looks() for target in found]
        texts = [target.pickled() for target in found]
        autolog(disable=True)
        assert [target.looks() for target in found] == watched
        for target, text in zip(found, texts, strict=True):
            assert (text is None) == (target.pickled() is None), f"{target.name} has to pickle as ever"
            assert b"steno" not in (text or b""), f"{target.name} has to load without steno"

    def test_a_function_stays_the_object_it_is(self) -> None:
        """Who has imported a function by name holds the one that is watched, and it is equal to itself elsewhere."""
        self.on()
        names = packages(self.name)
        autolog(disable=True)
        before = {place: value for place, value in surface(names).items() if type(value[-1]) is FunctionType}
        self.on()
        after = surface(names)
        owned = {(target.owner.__name__, target.name) for target in targets(self.name) if _is_module(target.owner)}
        replaced = {place for place in before if "." not in place[1] and after[place][-1] is not before[place][-1]}
        assert replaced <= (set() if self.by_name else owned)

    def test_switching_off_leaves_no_trace(self) -> None:
        """Every attribute of every owner is the object it was, with the code it had."""
        self.on()
        owners = [target.owner for target in targets(self.name)]
        autolog(disable=True)
        before = looks(owners)
        for _ in range(2):
            self.on()
            self.train()
            autolog(disable=True)
        assert looks(owners) == before
        count = len(self.recorded())
        self.train()
        assert len(self.recorded()) == count

    def test_nothing_else_of_the_framework_is_changed_afterwards(self) -> None:
        """All that can be reached by name in the framework's modules is what a plain training leaves there."""
        self.on()
        names = packages(self.name)
        autolog(disable=True)
        before = surface(names)
        self.train()
        between = surface(names)
        by_itself = changed(before, between)
        self.on()
        self.train()
        autolog(disable=True)
        left = {".".join(place) for place in changed(between, surface(names)) - by_itself}
        assert left <= set(self.unsteady)


def _is_module(owner: object) -> bool:
    return isinstance(owner, ModuleType)
