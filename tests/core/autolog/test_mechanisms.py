"""Standing in for a function: what it looks like while watched, and that nothing stays behind."""

from __future__ import annotations

import copy
import inspect
import math
import pickle
import subprocess
import sys
import types

import cloudpickle
import pytest
from steno.autolog import autolog, autolog_one
from steno.autolog.swap import CodeSwap
from steno.contracts.integration import Patch, Via
from steno.errors import PluginError

VIAS = pytest.mark.parametrize("via", [Via.WRAPT, Via.CODE])


def recorder():
    """Advice that keeps the targets it saw, and the list."""
    seen = []

    def advice(call):
        seen.append(call.target)
        yield

    return advice, seen


def everything(advice, via):
    targets = ("Tree.fit", "Forest.fit", "Boosted.fit", "Search.fit", "Decorated.fit", "train")
    return [Patch(target, advice, via=via) for target in targets]


def snapshot(fw):
    """What can be seen of the framework from outside."""
    found = {}
    for name in ("Base", "Tree", "Forest", "Boosted", "Search", "Decorated", "Kinds"):
        cls = getattr(fw, name)
        found[name] = {key: id(value) for key, value in vars(cls).items()}
        for key, value in vars(cls).items():
            if isinstance(value, types.FunctionType):
                found[name, key] = _appearance(value)
    found["train"] = _appearance(fw.train)
    return found


def _appearance(function):
    return (
        id(function),
        id(function.__code__),
        str(inspect.signature(function)),
        function.__qualname__,
        function.__module__,
        pickle.dumps(function) if "<locals>" not in function.__qualname__ else None,
        dict(vars(function)),
        inspect.getsource(function),
    )


@VIAS
def test_switching_off_leaves_the_framework_as_it_was(toy, via):
    fw = toy.load()
    before = snapshot(fw)
    advice, seen = recorder()
    for _ in range(3):
        toy.watch(*everything(advice, via))
        fw.Tree().fit(1)
        fw.train(1)
        autolog(disable=True)
    assert seen == ["Tree.fit", "train"] * 3
    assert snapshot(fw) == before
    fw.Tree().fit(1)
    assert len(seen) == 6


@VIAS
def test_a_watched_function_looks_like_itself(toy, via):
    fw = toy.load()
    plain = _looks(fw)
    bound = str(inspect.signature(fw.Tree().fit))
    toy.watch(*everything(recorder()[0], via))
    assert _looks(fw) == plain
    assert str(inspect.signature(fw.Tree().fit)) == bound


def _looks(fw):
    two = (fw.Tree.fit, fw.train)
    return [(str(inspect.signature(f)), f.__qualname__, f.__doc__, inspect.getsource(f)) for f in two]


@VIAS
def test_pickles_made_while_watched_load_and_are_the_original(toy, via):
    fw = toy.load()
    plain = pickle.dumps((fw.train, fw.Tree))
    toy.watch(*everything(recorder()[0], via))
    tree = fw.Tree(depth=4)
    for dumps in (pickle.dumps, cloudpickle.dumps):
        texts = [dumps(value) for value in (fw.train, fw.Tree.fit, tree.fit, fw.Tree, tree)]
        assert all(b"steno" not in text for text in texts)
        train, fit, bound, cls, again = map(pickle.loads, texts)
        assert train(1) == ("model", 1, 10)
        assert fit(tree, 1) is tree
        assert bound(1).depth == 4
        assert cls is fw.Tree
        assert again.depth == 4
    assert pickle.dumps((fw.train, fw.Tree)) == plain


@VIAS
def test_references_taken_while_on_work_and_pickle_when_off(toy, via):
    fw = toy.load()
    advice, seen = recorder()
    toy.watch(*everything(advice, via))
    tree = fw.Tree()
    kept = [fw.train, tree.fit, fw.Tree.fit]
    autolog(disable=True)
    assert kept[0](1) == ("model", 1, 10)
    assert kept[1](1) is tree
    assert kept[2](tree, 1) is tree
    assert seen == []
    for function in kept:
        assert callable(pickle.loads(pickle.dumps(function)))


@VIAS
def test_pickles_load_where_steno_is_not_installed(toy, via, tmp_path):
    toy.watch(*everything(recorder()[0], via))
    fw = toy.load()
    path = tmp_path / "it.pkl"
    path.write_bytes(pickle.dumps([fw.train, fw.Tree.fit, fw.Tree(5).fit, fw.Tree(5)]))
    code = f"""
import sys, pickle
sys.path[:0] = [{str(toy.folder)!r}]
sys.modules["steno"] = sys.modules["wrapt"] = None
train, fit, bound, tree = pickle.load(open({str(path)!r}, "rb"))
assert train(1) == ("model", 1, 10) and bound(1).depth == 5 and fit(tree, 1) is tree
"""
    subprocess.run([sys.executable, "-I", "-c", code], check=True, timeout=60)


def test_a_swapped_function_pickled_by_value_needs_no_steno(toy, tmp_path):
    """cloudpickle takes functions of `__main__` apart, down to the constants of their code."""
    advice, _ = recorder()
    module = types.ModuleType("by_value")
    exec("def train(x, *, rounds=3):\n    return x, rounds, offset\noffset = 5\n", vars(module))
    sys.modules["by_value"] = module
    cloudpickle.register_pickle_by_value(module)
    try:
        toy.watch(Patch("Tree.fit", advice))
        from steno.autolog import watch

        watch(toy.name, module, [Patch("train", advice)])
        text = cloudpickle.dumps(module.train)
        path = tmp_path / "it.pkl"
        path.write_bytes(text)
        code = f"""
import sys, pickle
sys.modules["steno"] = sys.modules["wrapt"] = None
assert pickle.load(open({str(path)!r}, "rb"))(1) == (1, 3, 5)
"""
        subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
    finally:
        cloudpickle.unregister_pickle_by_value(module)
        del sys.modules["by_value"]


def test_copies_of_a_watched_method_are_the_methods_of_the_copy(toy):
    fw = toy.watch(Patch("Tree.fit", recorder()[0], via=Via.WRAPT))
    tree = fw.Tree()
    assert copy.copy(fw.Tree.fit)(tree, 1) is tree
    assert copy.deepcopy(tree.fit)(1) is not tree
    assert copy.deepcopy({"f": fw.Tree.fit})["f"](tree, 1) is tree


def test_names_imported_before_are_watched_by_the_code_swap(toy):
    fw = toy.load()
    early, held, partial = fw.train, {"train": fw.train}, fw.loads
    advice, seen = recorder()
    toy.watch(Patch("train", advice))
    assert early is fw.train
    early(1)
    held["train"](1)
    partial(1)
    assert seen == ["train"] * 3


def test_a_method_is_watched_by_the_wrapper_and_a_function_by_its_code(toy):
    fw = toy.load()
    fit, code = vars(fw.Base)["fit"], fw.train.__code__
    toy.watch(Patch("Base.fit", recorder()[0]), Patch("train", recorder()[0]))
    assert vars(fw.Base)["fit"] is not fit
    assert fw.train.__code__ is not code


@VIAS
def test_an_inherited_method_is_watched_on_the_public_class_only(toy, via):
    advice, seen = recorder()
    fw = toy.watch(Patch("Tree.fit", advice, via=via))
    fw.Tree().fit(1)
    fw.Forest().fit(1)
    fw.Base().fit(1)
    assert seen == ["Tree.fit"]

    class Mine(fw.Tree):
        pass

    Mine().fit(1)
    assert seen == ["Tree.fit"] * 2


def test_of_many_rows_on_one_function_the_nearest_class_applies(toy):
    advice, seen = recorder()
    rows = [Patch(f"{name}.fit", advice, via=Via.CODE) for name in ("Base", "Forest", "Tree")]
    fw = toy.watch(*rows)

    class Mine(fw.Tree):
        pass

    for cls in (fw.Tree, fw.Forest, fw.Base, Mine):
        cls().fit(1)
    assert seen == ["Tree.fit", "Forest.fit", "Base.fit", "Tree.fit"]


@VIAS
def test_of_two_rows_on_one_target_the_first_applies(toy, via):
    first, seen_first = recorder()
    second, seen_second = recorder()
    fw = toy.watch(Patch("Tree.fit", first, via=via), Patch("Tree.fit", second, via=via))
    fw.Tree().fit(1)
    assert (seen_first, seen_second) == (["Tree.fit"], [])


@VIAS
def test_static_and_class_methods_are_watched(toy, via):
    advice, seen = recorder()
    fw = toy.load()
    before = dict(vars(fw.Kinds))
    toy.watch(Patch("Kinds.static", advice, via=via), Patch("Kinds.of_class", advice, via=via))
    assert fw.Kinds.static(1) == fw.Kinds().static(1) == ("static", 1)
    assert fw.Kinds.of_class(2) == fw.Kinds().of_class(2) == (fw.Kinds, 2)
    assert seen == ["Kinds.static"] * 2 + ["Kinds.of_class"] * 2
    autolog(disable=True)
    assert dict(vars(fw.Kinds)) == before


def test_a_c_function_is_watched_by_the_wrapper(toy):
    instances = []

    def looks(call):
        instances.append(call.instance)
        yield

    fw = toy.load()
    fw.hypot = math.hypot
    toy.watch(Patch("hypot", looks))
    assert fw.hypot(3, 4) == 5.0
    assert instances == [None]
    autolog(disable=True)
    assert fw.hypot is math.hypot


@VIAS
@pytest.mark.parametrize("target", ["produce", "Kinds.stream", "Kinds.wait"])
def test_generators_and_coroutines_are_refused(toy, via, target):
    fw = toy.load()
    before = snapshot(fw)
    toy.watch(Patch(target, recorder()[0], via=via))
    [(failed, error)] = toy.failures
    assert failed == target
    assert isinstance(error, PluginError)
    assert snapshot(fw) == before


def test_what_another_tool_puts_above_ours_is_left_alone(toy):
    advice, seen = recorder()
    fw = toy.watch(Patch("train", advice), Patch("Tree.fit", advice))
    ours = fw.Tree.__dict__["fit"]
    theirs = CodeSwap(fw.train, lambda *a, **k: ("theirs", theirs.original(*a, **k)))
    theirs.apply()

    def above(self, *args, **kwargs):
        return ours.__get__(self)(*args, **kwargs)

    fw.Tree.fit = above
    autolog(disable=True)
    assert fw.train(1) == ("theirs", ("model", 1, 10))
    assert vars(fw.Tree)["fit"] is above
    assert fw.Tree().fit(1).calls == 1
    assert seen == []
    assert theirs.revert()


def test_super_and_closures_go_on_under_the_code_swap(toy):
    advice, seen = recorder()
    fw = toy.watch(Patch("Boosted.fit", advice, via=Via.CODE))
    factor = 3

    class Mine(fw.Boosted):
        def fit(self, X, y=None):
            self.factor = factor
            return super().fit(X, y)

    from steno.autolog import watch

    watch(toy.name, Mine, [Patch("fit", advice, via=Via.CODE)])
    mine = Mine().fit(1)
    assert (mine.factor, mine.rounds, mine.calls) == (3, 7, 1)
    assert seen == ["Mine.fit"]


def test_defaults_and_keyword_defaults_hold_under_the_code_swap(toy):
    fw = toy.watch(Patch("train", recorder()[0]))
    assert fw.train(1) == ("model", 1, 10)
    assert fw.train.__defaults__ == (None,)
    assert fw.train.__kwdefaults__ == {"rounds": 10}


def test_applying_twice_watches_once(toy):
    advice, seen = recorder()
    fw = toy.watch(Patch("Tree.fit", advice), Patch("train", advice))
    autolog_one(toy.name, every_n_steps=2)
    autolog()
    fw.Tree().fit(1)
    fw.train(1)
    assert seen == ["Tree.fit", "train"]


def test_toggling_under_calling_threads_never_fails_a_call(toy):
    import threading

    fw = toy.load()
    stop, errors = threading.Event(), []

    def call():
        while not stop.is_set():
            try:
                assert fw.train(1) == ("model", 1, 10)
                assert fw.Tree().fit(1).calls == 1
            except BaseException as error:
                errors.append(error)

    threads = [threading.Thread(target=call) for _ in range(2)]
    for thread in threads:
        thread.start()
    for _ in range(60):
        toy.watch(*everything(recorder()[0], Via.CODE), Patch("Tree.score", recorder()[0]))
        autolog(disable=True)
    stop.set()
    for thread in threads:
        thread.join()
    assert errors == []
    assert toy.failures == []


@VIAS
def test_a_tap_on_a_method_is_told_the_instance_first(toy, via):
    seen = []
    fw = toy.watch(Patch("Tree.fit", tap=lambda args, kwargs: seen.append((args, kwargs)), via=via))
    tree = fw.Tree()
    tree.fit(1, y=2)
    assert seen == [((tree, 1), {"y": 2})]
