"""One training is one run: inside a watched call, in whatever thread or task, nothing else begins."""

from __future__ import annotations

import asyncio
import os
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from steno.autolog import Carried, autolog
from steno.autolog.nesting import current
from steno.contracts.integration import Patch, Via

VIAS = pytest.mark.parametrize("via", [Via.WRAPT, Via.CODE])


@pytest.fixture
def seen():
    return []


@pytest.fixture
def advice(seen):
    def advice(call):
        seen.append((call.target, call.outermost))
        call.run.set_tags({"seen": call.target})
        yield

    return advice


@VIAS
def test_a_subclass_that_calls_super_is_one_run(toy, via, seen, advice, runs):
    fw = toy.watch(Patch("Base.fit", advice, via=via), Patch("Boosted.fit", advice, via=via))
    fw.Boosted().fit(1)
    assert seen == [("Boosted.fit", True)]
    assert [run.info.run_name for run in runs()] == ["Boosted"]


def test_a_row_that_joins_writes_into_the_enclosing_run(toy, seen, runs):
    ids = []

    def advice(call):
        ids.append((call.run.run_id, call.opened))
        yield
        call.run.log_metric(call.target, 1.0)

    fw = toy.watch(Patch("Search.fit", advice), Patch("Tree.fit", advice, joins=True))
    fw.Search(fw.Tree(), fw.Tree()).fit(1)
    [run] = runs()
    assert ids == [(run.info.run_id, True), (run.info.run_id, False), (run.info.run_id, False)]
    assert run.data.metrics == {"Search.fit": 1.0, "Tree.fit": 1.0}
    assert run.data.summaries["Tree.fit"].count == 2


def test_the_enclosing_run_opens_when_only_the_inner_call_writes(toy, runs):
    def outer(call):
        yield

    def inner(call):
        yield
        call.run.log_param("inner", 1)

    fw = toy.watch(Patch("Search.fit", outer), Patch("Tree.fit", inner, joins=True))
    fw.Search(fw.Tree()).fit(1)
    [run] = runs()
    assert run.info.run_name == "Search"
    assert run.info.status == "FINISHED"
    assert run.data.params == {"inner": "1"}


def test_nothing_joins_where_many_fits_happen(toy, seen, advice):
    fw = toy.watch(Patch("Search.fit", advice, many=True), Patch("Tree.fit", advice, joins=True))
    fw.Search(fw.Tree(), fw.Tree()).fit(1)
    fw.Tree().fit(1)
    assert seen == [("Search.fit", True), ("Tree.fit", True)]


def test_taps_keep_silent_inside_unless_they_join(toy, seen, advice):
    taps = []
    tap = Patch("train", tap=lambda args, kwargs: taps.append("train"))
    joining = Patch("Forest.score", tap=lambda args, kwargs: taps.append("score"), joins=True)
    fw = toy.watch(Patch("Tree.fit", advice), tap, joining)
    fw.Tree().fit(lambda model: (fw.train(1), fw.Forest().score()))
    fw.train(1)
    assert taps == ["score", "train"]


def test_a_failed_inner_call_leaves_the_outer_one_current(toy, seen, advice):
    fw = toy.watch(Patch("Search.fit", advice), Patch("Tree.fit", advice, joins=True))

    def body(model):
        with pytest.raises(KeyError):
            fw.Tree().fit(KeyError())
        assert current().target == "Search.fit"

    class Inner:
        fit = staticmethod(lambda X, y: body(None))

    fw.Search(Inner()).fit(1)
    assert current() is None


@VIAS
def test_threads_started_inside_belong_to_the_call(toy, via, seen, advice, runs):
    fw = toy.watch(Patch("Tree.fit", advice, via=via), Patch("Search.fit", advice, via=via))

    def body(model):
        threads = [threading.Thread(target=fw.Tree().fit, args=(1,)) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda tree: tree.fit(1), [fw.Tree() for _ in range(4)]))

    fw.Tree().fit(body)
    assert seen == [("Tree.fit", True)]
    assert len(runs()) == 1


def test_a_subclass_of_thread_belongs_to_the_call_and_keeps_nothing_of_ours(toy, seen, advice):
    fw = toy.watch(Patch("Tree.fit", advice))

    class Worker(threading.Thread):
        def run(self):
            self.saw = dict(vars(self))
            fw.Tree().fit(1)

    workers = []

    def body(model):
        workers.append(Worker())
        workers[0].start()
        workers[0].join()

    fw.Tree().fit(body)
    assert seen == [("Tree.fit", True)]
    assert "run" not in workers[0].saw


def test_a_thread_that_outlives_its_call_begins_runs_of_its_own(toy, seen, advice, runs):
    fw = toy.watch(Patch("Tree.fit", advice))
    over, done = threading.Event(), []

    def later():
        over.wait(10)
        done.append(fw.Tree().fit(1))

    threads = []

    def body(model):
        threads.append(threading.Thread(target=later))
        threads[0].start()

    fw.Tree().fit(body)
    over.set()
    threads[0].join(10)
    assert done
    assert seen == [("Tree.fit", True)] * 2
    assert len(runs()) == 2


def test_trainings_in_threads_are_a_run_each(toy, seen, advice, runs):
    fw = toy.watch(Patch("Tree.fit", advice))
    gate = threading.Barrier(3)
    trees = [fw.Tree() for _ in range(3)]
    threads = [threading.Thread(target=tree.fit, args=(lambda model: gate.wait(10),)) for tree in trees]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [("Tree.fit", True)] * 3
    assert [run.info.status for run in runs()] == ["FINISHED"] * 3
    assert len({run.info.run_id for run in runs()}) == 3


def test_trainings_in_tasks_are_a_run_each_and_tasks_inside_belong(toy, seen, advice, runs):
    fw = toy.watch(Patch("Tree.fit", advice), Patch("Search.fit", advice))

    async def train(inner):
        await asyncio.sleep(0)
        return (fw.Search(inner)).fit(1)

    async def main():
        return await asyncio.gather(*(train(fw.Tree()) for _ in range(3)))

    asyncio.run(main())
    assert seen == [("Search.fit", True)] * 3
    assert len(runs()) == 3
    seen.clear()

    async def inner():
        fw.Tree().fit(1)

    fw.Tree().fit(lambda model: asyncio.run(inner()))
    assert seen == [("Tree.fit", True)]


def test_to_thread_and_executors_started_inside_belong(toy, seen, advice):
    fw = toy.watch(Patch("Tree.fit", advice))

    async def inner():
        await asyncio.to_thread(fw.Tree().fit, 1)
        await asyncio.get_running_loop().run_in_executor(None, fw.Tree().fit, 1)

    fw.Tree().fit(lambda model: asyncio.run(inner()))
    assert seen == [("Tree.fit", True)]


def test_a_carried_function_belongs_to_its_call_in_an_older_thread(toy, seen, advice):
    fw = toy.watch(Patch("Tree.fit", advice))
    with ThreadPoolExecutor(1) as pool:
        pool.submit(int).result()  # its thread is older than the call
        fw.Tree().fit(lambda model: pool.submit(Carried(fw.Tree().fit), 1).result())
        assert seen == [("Tree.fit", True)]
        pool.submit(fw.Tree().fit, 1).result()
        assert seen == [("Tree.fit", True)] * 2


def test_a_carried_function_pickles_as_the_bare_function(toy):
    fw = toy.load()
    text = pickle.dumps(Carried(fw.train))
    assert b"steno" not in text
    assert pickle.loads(text) is fw.train
    with pytest.raises(ValueError, match="mine") as caught:
        Carried(fw.Tree().fit)(ValueError("mine"))
    assert len(caught.traceback) == 2


def test_a_fork_inside_stays_silent_and_ends_no_run(toy, seen, advice, runs):
    fw = toy.watch(Patch("Tree.fit", advice))
    codes = []

    def body(model):
        child = os.fork()
        if child == 0:
            before = len(seen)
            fw.Tree().fit(1)
            os._exit(len(seen) - before)
        codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))

    fw.Tree().fit(body)
    assert codes == [0]
    assert [run.info.status for run in runs()] == ["FINISHED"]


def test_threads_of_stenos_own_are_not_watched(toy, seen, advice):
    fw = toy.watch(Patch("Tree.fit", advice))
    work = threading.Thread(target=fw.Tree().fit, args=(1,), name="steno-deferred")
    work.start()
    work.join()
    assert seen == []


def test_threads_are_left_alone_when_off(toy, advice):
    before = threading.Thread.start.__code__, dict(vars(threading.Thread.start))
    toy.watch(Patch("Tree.fit", advice))
    assert threading.Thread.start.__code__ is not before[0]
    autolog(disable=True)
    assert (threading.Thread.start.__code__, dict(vars(threading.Thread.start))) == before
