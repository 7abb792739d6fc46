"""What frameworks do to the process's warnings on a thread of ours stays there."""

from __future__ import annotations

import os
import threading
import types
import warnings

import pytest
from steno.autolog import quiet
from steno.autolog.apart import apart


@pytest.fixture
def beside():
    """A thread of ours in the midst of work that has silenced everything in its own way."""
    silenced, go_on = threading.Event(), threading.Event()
    shown = []

    def work():
        with apart(), warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("ignore")
            warnings.filterwarnings("ignore", message=".*")
            warnings.warn("ours", stacklevel=1)
            silenced.set()
            go_on.wait(10)
            shown.append(caught)

    thread = threading.Thread(target=work, name="steno-work")
    thread.start()
    assert silenced.wait(10)
    yield shown
    go_on.set()
    thread.join()


def filters():
    return [entry[:3:2] for entry in warnings.filters]


def test_the_users_warnings_are_shown_meanwhile(beside):
    with pytest.warns(UserWarning, match="theirs"):
        warnings.warn("theirs", stacklevel=1)


def test_the_users_filters_come_and_go_meanwhile(beside):
    before = filters()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warnings.warn("theirs", stacklevel=1)
        assert len(caught) == 1
    assert filters() == before


def test_ours_are_not_shown_whatever_the_user_does_meanwhile():
    """The filters that hide them would go with the user's, or come after them."""
    before = filters()
    go, went = threading.Event(), threading.Event()

    def work():
        with apart():
            went.set()
            go.wait(10)
            warnings.warn("ours", stacklevel=1)

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        thread = threading.Thread(target=work, name="steno-work")
        thread.start()
        went.wait(10)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            warnings.simplefilter("always")
        warnings.simplefilter("always")
        go.set()
        thread.join()
        assert caught == []
    assert filters() == before


def test_everything_is_as_before_afterwards():
    before = filters(), warnings.catch_warnings.__enter__.__code__, warnings._add_filter.__code__
    with apart(), apart(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.warn("ours", stacklevel=1)
        assert warnings.catch_warnings.__enter__.__code__ is not before[1]
    assert (filters(), warnings.catch_warnings.__enter__.__code__, warnings._add_filter.__code__) == before
    assert "__signature__" not in vars(warnings._add_filter)


def test_a_child_that_is_forked_meanwhile_has_its_warnings(beside):
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                warnings.warn("theirs", stacklevel=1)
            own = "stand_in" not in warnings.catch_warnings.__enter__.__code__.co_varnames
            code = 0 if len(caught) == 1 and own else 2
        finally:
            os._exit(code)
    assert os.waitpid(pid, 0)[1] == 0


def test_a_module_that_is_still_being_imported_is_left_alone(monkeypatch):
    """Half a torch would crash the process as its random state is read."""
    import sys

    half = types.ModuleType("torch")
    half.__spec__ = types.SimpleNamespace(_initializing=True)
    half.get_rng_state = lambda: pytest.fail("asked too early")
    monkeypatch.setitem(sys.modules, "torch", half)
    with quiet():
        pass
