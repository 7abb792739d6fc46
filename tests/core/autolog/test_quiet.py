"""What a framework does inside `quiet()` does not show in the user's process."""

from __future__ import annotations

import gc
import io
import pickle
import random
import re
import sys
import threading
import warnings
import weakref
from contextlib import redirect_stdout

import numpy as np
import pytest
from steno.autolog import quiet


def noisy():
    warnings.warn("inside", UserWarning, stacklevel=1)
    random.random()
    random.gauss(0, 1)
    np.random.normal(size=3)
    return np.array([1.0]) / np.array([0.0])


def state():
    return random.getstate(), str(np.random.get_state()), list(warnings.filters), np.geterr()


@pytest.mark.parametrize("action", ["error", "always", "default"])
def test_generators_filters_and_float_errors_are_as_before(action):
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter(action)
        before = state()
        with quiet():
            noisy()
            with np.errstate(all="raise"), pytest.raises(FloatingPointError):
                noisy()
            with quiet():
                noisy()
        assert state() == before
        assert shown == []
        with pytest.raises(ZeroDivisionError), quiet():
            random.seed(noisy().size // 0)
        assert state() == before


def test_drawing_the_same_as_without_it():
    random.seed(1)
    np.random.seed(1)
    plain = random.random(), np.random.rand()
    random.seed(1)
    np.random.seed(1)
    with quiet():
        noisy()
    assert (random.random(), np.random.rand()) == plain


def test_another_bit_generator_is_set_back_too():
    before = np.random.get_bit_generator()
    np.random.set_bit_generator(np.random.PCG64(3))
    try:
        state = np.random.get_state(legacy=False)
        with quiet():
            np.random.rand(5)
        assert np.random.get_state(legacy=False) == state
    finally:
        np.random.set_bit_generator(before)


def test_a_warning_shown_once_is_not_shown_again():
    namespace = {"__name__": "shown_once"}
    exec("import warnings\ndef warn():\n    warnings.warn('again and again')\n", namespace)
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("default")
        namespace["warn"]()
        with quiet():
            namespace["warn"]()
        namespace["warn"]()
    assert len(shown) == 1


def test_warnings_first_met_inside_are_still_shown_outside():
    namespace = {"__name__": "shown_later"}
    exec("import warnings\ndef warn():\n    warnings.warn('first')\n", namespace)
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("default")
        with quiet():
            namespace["warn"]()
        namespace["warn"]()
    assert len(shown) == 1


def test_warnings_of_other_threads_pass_and_filters_survive_overlap():
    entered, leave = threading.Event(), threading.Event()

    def hold():
        with quiet():
            entered.set()
            leave.wait(10)

    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("always")
        before = list(warnings.filters)
        thread = threading.Thread(target=hold)
        thread.start()
        assert entered.wait(10)
        warnings.warn("mine", stacklevel=1)
        with quiet():
            leave.set()
            thread.join()
            warnings.warn("hushed", stacklevel=1)
        assert list(warnings.filters) == before
    assert [str(entry.message) for entry in shown] == ["mine"]


def test_filters_handed_to_another_process_ignore_nothing_there():
    """scikit-learn sends `warnings.filters` to its workers."""
    with quiet():
        entry = pickle.loads(pickle.dumps(warnings.filters))[0]
        assert re.compile(warnings.filters[0][1].pattern).match("anything") is None
    assert entry[1].match("anything") is None
    assert b"steno" not in pickle.dumps(entry)


def test_what_is_printed_inside_is_not_seen_and_what_another_thread_prints_is(capsys):
    inside, done = threading.Event(), threading.Event()

    def other():
        assert inside.wait(10)
        print("theirs")
        print("theirs too", file=sys.stderr)
        with quiet():
            print("not theirs")
        done.set()

    thread = threading.Thread(target=other)
    thread.start()
    before = sys.stdout, sys.stderr
    with quiet():
        print("ours")
        sys.stderr.writelines(["ours too"])
        assert sys.stdout.encoding == before[0].encoding
        inside.set()
        assert done.wait(10)
    thread.join()
    assert (sys.stdout, sys.stderr) == before
    print("after")
    assert capsys.readouterr() == ("theirs\nafter\n", "theirs too\n")


def test_a_stream_that_is_put_in_place_meanwhile_stays(capsys):
    before, own = sys.stdout, io.StringIO()
    with quiet():
        kept = sys.stdout
        sys.stdout = own
        print("to one's own")
    assert sys.stdout is own
    sys.stdout = before
    print("for longer", file=kept)
    assert (own.getvalue(), capsys.readouterr().out) == ("to one's own\n", "for longer\n")


def test_a_process_without_streams_can_be_quiet(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    with quiet():
        print("nowhere")
    assert sys.stdout is None


def test_a_stream_found_inside_stays_what_it_was_for_who_holds_it_without_counting(monkeypatch):
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    found = []
    for _ in range(3):
        with quiet():
            found.append(weakref.ref(sys.stdout))
        gc.collect()
    assert found[0]() is found[1]() is found[2]() is not None


def test_streams_that_take_turns_keep_their_stand_ins(monkeypatch):
    """As where one thread redirects what it prints, and `print` of another holds what it found without counting."""
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    others = [io.StringIO() for _ in range(3)]
    with quiet():
        found = weakref.ref(sys.stdout)
    for other in others:
        with redirect_stdout(other), quiet():
            print("nowhere")
        gc.collect()
    with quiet():
        assert sys.stdout is found()


def test_a_stream_that_is_no_more_is_not_held_for_ever(monkeypatch):
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    gone = []
    for _ in range(3):
        with redirect_stdout(io.StringIO()) as redirected, quiet():
            gone.append(weakref.ref(redirected))
        del redirected
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    with quiet():
        assert [stream() for stream in gone] == [None] * 3
