"""One watched call: the user's function, result and error stay the user's, whatever advice does."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import traceback

import pytest
from steno.autolog import autolog, contained
from steno.autolog.nesting import current
from steno.contracts.integration import Patch, Via
from steno.errors import PluginError

VIAS = pytest.mark.parametrize("via", [Via.WRAPT, Via.CODE])


def looks_on(call):
    yield


def breaks_before(call):
    raise ValueError("before")
    yield


def breaks_after(call):
    yield
    raise ValueError("after")


def never_yields(call):
    if call is None:
        yield


def yields_twice(call):
    yield
    yield


def no_generator(call):
    return None


def yields_on(call):
    try:
        yield
    except BaseException:
        yield


def swallows(call):
    try:
        yield
    except BaseException:
        return


def replaces(call):
    try:
        yield
    except BaseException as error:
        raise RuntimeError("mine instead") from error


def exits(call):
    raise SystemExit(3)
    yield


ADVICE = [looks_on, breaks_before, breaks_after, never_yields, yields_twice, no_generator, yields_on, swallows, exits]
FAILING = [replaces, breaks_before, never_yields, no_generator, yields_on, exits]


@VIAS
@pytest.mark.parametrize("advice", ADVICE)
def test_the_users_call_happens_once_and_its_result_is_untouched(toy, via, advice):
    fw = toy.watch(Patch("Tree.fit", advice, via=via))
    tree = fw.Tree()
    assert tree.fit(1, y=2) is tree
    assert tree.calls == 1


@dataclasses.dataclass(frozen=True)
class Frozen(Exception):
    """An error that cannot be assigned to."""

    code: int


ERRORS = [
    ValueError("v"),
    StopIteration(3),
    StopAsyncIteration(),
    KeyboardInterrupt(),
    SystemExit(2),
    GeneratorExit(),
    asyncio.CancelledError(),
    RuntimeError("r"),
    Frozen(7),
]


@VIAS
@pytest.mark.parametrize("advice", [looks_on, swallows, replaces, yields_on, breaks_before, breaks_after])
@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_the_users_error_arrives_unchanged(toy, via, advice, error):
    fw = toy.load()
    cause, context = KeyError("cause"), LookupError("context")
    object.__setattr__(error, "__traceback__", None) if not isinstance(error, Frozen) else error.with_traceback(None)
    BaseException.__setattr__(error, "__cause__", cause)
    BaseException.__setattr__(error, "__context__", context)

    def lines():
        with pytest.raises(type(error)) as caught:
            fw.Tree().fit(error)
        assert caught.value is error
        found = [(f.filename, f.lineno, f.name) for f in traceback.extract_tb(error.__traceback__)]
        links = error.__cause__, error.__context__, error.__suppress_context__
        error.with_traceback(None)
        return found, links

    plain = lines()
    toy.watch(Patch("Tree.fit", advice, via=via))
    assert lines() == plain
    assert plain[1] == (cause, context, True)


def test_an_error_without_context_gets_none_from_us(toy):
    fw = toy.watch(Patch("Tree.fit", replaces, via=Via.CODE))
    error = ValueError("mine")
    with pytest.raises(ValueError, match="mine"):
        fw.Tree().fit(error)
    assert error.__context__ is None
    assert error.__cause__ is None


@VIAS
def test_a_call_that_does_not_fit_the_signature_fails_as_ever(toy, via):
    fw = toy.load()

    def message(*args, **kwargs):
        with pytest.raises(TypeError) as caught:
            fw.Tree().fit(*args, **kwargs)
        return str(caught.value), len(traceback.extract_tb(caught.value.__traceback__))

    plain = message(), message(1, 2, 3), message(X=1, Y=2)
    toy.watch(Patch("Tree.fit", lambda call: (call.arguments, (yield))[0], via=via))
    assert (message(), message(1, 2, 3), message(X=1, Y=2)) == plain


@pytest.mark.parametrize("advice", [*FAILING, breaks_after, yields_twice])
def test_an_error_in_advice_is_contained_logged_once_and_told_each_time(toy, caplog, advice):
    fw = toy.watch(Patch("Tree.fit", advice))
    with caplog.at_level(logging.WARNING, "steno.autolog"):
        for _ in range(3):
            if advice in (replaces, yields_on):
                with pytest.raises(ValueError, match="user"):
                    fw.Tree().fit(ValueError("user"))
            else:
                fw.Tree().fit(1)
    assert [target for target, _ in toy.failures] == ["Tree.fit"] * 3
    said = [record.message for record in caplog.records]
    assert len(said) == 1
    assert "Tree.fit" in said[0]
    assert toy.name in said[0]


@pytest.mark.parametrize(
    ("advice", "word"), [(never_yields, "without a yield"), (yields_twice, "twice")], ids=["none", "two"]
)
def test_advice_that_does_not_yield_exactly_once_is_reported_by_name(toy, advice, word):
    toy.watch(Patch("Tree.fit", advice)).Tree().fit(1)
    [(_, error)] = toy.failures
    assert isinstance(error, PluginError)
    assert word in str(error)
    assert f"{toy.name}: Tree.fit" in str(error)


@pytest.mark.parametrize("advice", [looks_on, swallows])
def test_well_behaved_advice_is_no_failure_when_the_user_fails(toy, advice):
    fw = toy.watch(Patch("Tree.fit", advice))
    for error in (ValueError(), StopIteration(), KeyboardInterrupt(), GeneratorExit()):
        with pytest.raises(type(error)):
            fw.Tree().fit(error)
    assert toy.failures == []


def test_silent_keeps_the_warning_out_of_the_log(toy, caplog):
    fw = toy.watch(Patch("Tree.fit", breaks_before), silent=True)
    with caplog.at_level(logging.WARNING, "steno.autolog"):
        fw.Tree().fit(1)
    assert caplog.records == []
    assert len(toy.failures) == 1


def test_strict_raises_what_was_contained_after_the_users_call(toy, monkeypatch):
    monkeypatch.setenv("STENO_STRICT", "1")
    fw = toy.watch(Patch("Tree.fit", breaks_before))
    tree = fw.Tree()
    with pytest.raises(ValueError, match="before"):
        tree.fit(1)
    assert tree.calls == 1
    with pytest.raises(KeyError):
        tree.fit(KeyError())  # the user's own error goes first


def test_a_logging_handler_that_raises_does_no_harm(toy):
    class Broken(logging.Handler):
        def handle(self, record):
            raise RuntimeError("handler")

    handler = Broken()
    logging.getLogger("steno").addHandler(handler)
    try:
        tree = toy.watch(Patch("Tree.fit", breaks_before)).Tree()
        assert tree.fit(1) is tree
    finally:
        logging.getLogger("steno").removeHandler(handler)


def test_ctrl_c_inside_advice_reaches_the_user(toy):
    def interrupted(call):
        raise KeyboardInterrupt
        yield

    tree = toy.watch(Patch("Tree.fit", interrupted)).Tree()
    with pytest.raises(KeyboardInterrupt):
        tree.fit(1)
    assert current() is None


@VIAS
def test_advice_sees_the_call_by_name(toy, via):
    seen = []

    def advice(call):
        before = call.seconds
        result = yield
        seen.append((call.target, call.instance, dict(call.arguments), call.args, call.outermost, result))
        assert before == 0.0 < call.seconds

    fw = toy.watch(Patch("Tree.fit", advice, via=via))
    tree = fw.Tree()
    tree.fit(1, y=2)
    assert seen == [("Tree.fit", tree, {"X": 1, "y": 2, "callbacks": ()}, (1,), True, tree)]


def test_the_instance_is_bound_by_signature(toy):
    seen = []

    def advice(call):
        seen.append((call.instance, call.args, dict(call.arguments)))
        yield

    fw = toy.watch(Patch("Decorated.fit", advice, via=Via.CODE))
    decorated = fw.Decorated()
    assert decorated.fit(1, y=2) == ("fitted", 1, 2)
    assert seen == [(decorated, (), {"X": 1, "y": 2})]


@VIAS
def test_advice_may_add_a_callback(toy, via):
    heard = []

    def advice(call):
        call.kwargs["callbacks"] = [*call.kwargs.get("callbacks", ()), lambda: heard.append("ours")]
        yield

    fw = toy.watch(Patch("Tree.fit", advice, via=via), Patch("train", advice, via=via))
    mine = [lambda: heard.append("mine")]
    fw.Tree().fit(1, callbacks=mine)
    fw.train(1, callbacks=mine)
    assert heard == ["mine", "ours"] * 2
    assert len(mine) == 1


def test_advice_that_breaks_off_leaves_the_users_arguments(toy):
    def advice(call):
        call.kwargs["nonsense"] = 1
        raise ValueError
        yield

    def loses_them(call):
        call.kwargs = None
        yield

    fw = toy.watch(Patch("Tree.fit", advice, via=Via.CODE), Patch("train", loses_them))
    assert fw.Tree().fit(1, y=2).calls == 1
    assert fw.train(1, rounds=3) == ("model", 1, 3)


def test_a_tap_is_called_before_and_contained(toy):
    seen = []

    def tap(args, kwargs):
        seen.append((args, kwargs))
        raise ValueError("tap")

    fw = toy.watch(Patch("train", tap=tap))
    assert fw.train(1, rounds=2) == ("model", 1, 2)
    assert seen == [((1,), {"rounds": 2})]
    assert [str(error) for _, error in toy.failures] == ["tap"]


def test_contained_guards_a_callback_with_a_default(toy):
    @contained
    def plain():
        raise ValueError("plain")

    @contained(default=False)
    def asked(self):
        raise ValueError("asked")

    assert plain() is None
    assert asked(1) is False
    assert plain.__name__ == "plain"

    @contained
    def interrupted():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()


def test_contained_guards_only_a_classs_own_methods():
    class Callback:
        def on_start(self):
            raise ValueError("base")

        def on_end(self):
            raise ValueError("base")

    @contained
    class Ours(Callback):
        def __init__(self):
            self.made = True

        def on_end(self):
            raise ValueError("ours")

    assert set(vars(Ours)) >= {"on_end"}
    assert "on_start" not in vars(Ours)
    assert Ours().on_end() is None
    with pytest.raises(ValueError, match="base"):
        Ours().on_start()


def test_a_contained_callback_names_its_call_and_counts_as_overhead(toy, monkeypatch):
    overheads = []

    @contained
    def callback():
        sum(range(20000))
        raise ValueError("callback")

    def advice(call):
        call.kwargs["callbacks"] = [callback]
        began = call.overhead_now()
        yield
        overheads.append(call.overhead_now() - began)

    fw = toy.watch(Patch("Tree.fit", advice))
    assert fw.Tree().fit(1).fitted_
    assert [str(error) for _, error in toy.failures] == ["callback"]
    assert overheads[0] > 5e-5
    monkeypatch.setenv("STENO_STRICT", "1")
    with pytest.raises(ValueError, match="callback"):
        fw.Tree().fit(1)


def test_a_call_lets_go_of_the_users_objects(toy):
    import gc
    import weakref

    kept = []

    def advice(call):
        kept.append(call)
        call.budget.remaining_ms()
        yield

    fw = toy.watch(Patch("Tree.fit", advice))
    tree = fw.Tree()
    gone = weakref.ref(tree)
    gc.disable()
    try:
        tree.fit(1)
        del tree
        assert gone() is None
    finally:
        gc.enable()
    autolog(disable=True)
