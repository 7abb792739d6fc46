"""Rows that register a function with the framework itself, as its own door has it."""

from __future__ import annotations

import pickle
import threading

import pytest
from steno.autolog import autolog, autolog_one, watch
from steno.contracts.integration import Patch

DOOR = """
hooks = []


class Handle:
    def __init__(self, hook):
        self.hook = hook

    def remove(self):
        hooks.remove(self.hook)


def register(hook):
    hooks.append(hook)
    return Handle(hook)


def register_with_function(hook):
    hooks.append(hook)
    return lambda: hooks.remove(hook)


def register_for_ever(hook):
    hooks.append(hook)


def step(value):
    for hook in hooks:
        hook(value)


class Loop:
    def fit(self):
        step("inside")
"""


@pytest.fixture
def door(toy):
    """The framework, with a door of its own."""
    path = toy.folder / f"{toy.module_name}.py"
    path.write_text(path.read_text() + DOOR)
    return toy


def silent(call):
    yield


@pytest.mark.parametrize("name", ["register", "register_with_function"])
def test_a_hook_is_called_while_on_and_gone_afterwards(door, name):
    seen = []
    fw = door.watch(Patch(name, hook=seen.append))
    fw.step(1)
    autolog(disable=True)
    assert fw.hooks == []
    fw.step(2)
    autolog_one(door.name)
    fw.step(3)
    assert seen == [1, 3]
    assert door.failures == []


def test_what_a_hook_raises_is_contained(door):
    def broken(value):
        raise ValueError(value)

    fw = door.watch(Patch("register", hook=broken))
    fw.step("bad")
    assert [(target, str(error)) for target, error in door.failures] == [("register", "bad")]


@pytest.mark.parametrize("joins", [False, True])
def test_inside_a_watched_call_a_hook_is_silent_unless_it_joins(door, joins):
    seen = []
    fw = door.watch(Patch("register", hook=seen.append, joins=joins), Patch("Loop.fit", silent))
    fw.Loop().fit()
    assert seen == (["inside"] if joins else [])


def keeps_two(seen):
    def hook(function, more="nothing"):
        seen.append((function, more))

    return hook


def takes_all(seen):
    return lambda *args, **kwargs: seen.append((*args, *kwargs.values(), "nothing")[:2])


@pytest.mark.parametrize("joins", [False, True])
@pytest.mark.parametrize("made", [keeps_two, takes_all])
def test_a_hook_is_called_as_its_function_would_be(door, made, joins):
    seen = []
    fw = door.watch(Patch("register", hook=made(seen), joins=joins))
    (hook,) = fw.hooks
    hook(1)
    hook(2, "more")
    hook(3, more="by name")
    assert seen == [(1, "nothing"), (2, "more"), (3, "by name")]


@pytest.mark.parametrize(("joins", "itself"), [(True, True), (False, False)])
def test_a_hook_that_contains_its_errors_and_joins_is_called_with_nothing_of_ours_between(door, joins, itself):
    seen = []
    hook = keeps_two(seen)
    fw = door.watch(Patch("register", hook=hook, joins=joins, contains=True))
    assert (fw.hooks == [hook]) is itself
    fw.step(1)
    autolog(disable=True)
    assert fw.hooks == []
    assert seen == [(1, "nothing")]


def test_a_hook_does_not_see_our_own_threads(door):
    seen = []
    fw = door.watch(Patch("register", hook=seen.append))
    for name in ("steno-deferred", "theirs"):
        thread = threading.Thread(target=fw.step, args=[name], name=name)
        thread.start()
        thread.join()
    assert seen == ["theirs"]


def test_a_door_without_a_way_back_is_a_failure_told_when_switched_off(door):
    seen = []
    fw = door.watch(Patch("register_for_ever", hook=seen.append))
    autolog(disable=True)
    assert ["no handle" in str(error) for _, error in door.failures] == [True]
    fw.step(1)
    assert seen == []


def test_a_row_has_one_of_advice_tap_and_hook(door):
    door.watch(Patch("register"), Patch("Tree.fit", silent, hook=print), Patch("train", silent))
    assert [target for target, _ in door.failures] == ["register", "Tree.fit"]


def test_several_integrations_may_answer_to_a_name(door):
    seen = []
    door.register(also=("family",))
    door.rows = [Patch("register", hook=seen.append)]
    fw = door.load()
    autolog(exclude="family")
    fw.step(1)
    autolog_one("family")
    fw.step(2)
    autolog_one("family", disable=True)
    fw.step(3)
    assert seen == [2]


@pytest.mark.parametrize(
    ("requires", "active"),
    [("msgspec>=0.1 | no-such-thing>=1", True), ("no-such-thing>=1 | msgspec>=99", False)],
)
def test_one_of_several_distributions_will_do(door, requires, active):
    door.register(requires=requires)
    seen = []
    fw = door.watch(Patch("register", hook=seen.append))
    fw.step(1)
    assert seen == [1] * active


def test_locals_of_a_watched_frame_can_be_read(door):
    """A debugger does. Where the function has a closure, the interpreter would follow cells that are not there."""
    import sys

    fw = door.load()
    found = []

    class Mine(fw.Tree):
        def fit(self, X):
            return super().fit(X)

    def look(model):
        frame = sys._getframe()
        while frame is not None:
            found.append(sorted(frame.f_locals)[:50])
            frame = frame.f_back

    autolog_one(door.name)
    watch(door.name, Mine, [Patch("fit", silent, via="code")])
    Mine().fit(look)
    assert any("stand_in" in names and "__class__" in names for names in found)
    assert pickle.loads(pickle.dumps(fw.Tree())).fit(1).calls == 1
