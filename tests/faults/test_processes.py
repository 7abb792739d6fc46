"""Several processes log to one run, and ranks above 0 to none."""

from __future__ import annotations

import json

import pytest
import steno
from steno.records import RunStatus

TRAIN = """
import multiprocessing, os, sys, steno

def work(run, worker):
    for step in range(300):
        run.log_metric(f"loss{worker}", float(step), step)
    run.log_param(f"worker{worker}", worker)

def by_active_run(worker):
    for step in range(300):
        steno.log_metric(f"loss{worker}", float(step), step)
    steno.log_param(f"worker{worker}", worker)

def by_fork(run):
    for worker in range(4):
        pid = os.fork()
        if not pid:
            work(run, worker)
            os._exit(0)
    for worker in range(4):
        os.wait()

def by_fork_and_active_run(run):
    for worker in range(4):
        if not os.fork():
            by_active_run(worker)
            sys.exit(0)
    for worker in range(4):
        os.wait()

def by_process(run, method):
    context = multiprocessing.get_context(method)
    children = [context.Process(target=work, args=(run, worker)) for worker in range(4)]
    for child in children: child.start()
    for child in children: child.join()
    assert [child.exitcode for child in children] == [0] * 4

def by_pool(run, method):
    with multiprocessing.get_context(method).Pool(2) as pool:
        pool.starmap(work, [(run, worker) for worker in range(4)])
        pool.close()
        pool.join()

def by_executor(run, method):
    from concurrent.futures import ProcessPoolExecutor
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context(method)) as pool:
        for future in [pool.submit(work, run, worker) for worker in range(4)]: future.result()

if __name__ == "__main__":
    way, *method = sys.argv[1:]
    with steno.start_run() as run:
        steno.log_metric("before", 1.0)
        globals()[way](run, *method)
        steno.log_metric("after", 1.0)
"""

WAYS = [
    ("by_fork",),
    ("by_fork_and_active_run",),
    ("by_process", "fork"),
    ("by_process", "spawn"),
    ("by_pool", "fork"),
    ("by_pool", "spawn"),
    ("by_executor", "fork"),
    ("by_executor", "spawn"),
]


@pytest.mark.parametrize("way", WAYS, ids=" ".join)
def test_child_processes_log_to_the_one_run(tracking, script, way):
    (script.folder / "train.py").write_text(TRAIN)
    script.run("train.py", *way, STENO_TRACKING_URI=tracking)
    (run,) = steno.search_runs(output_format="list")
    assert run.info.status == RunStatus.FINISHED
    assert run.data.params == {f"worker{n}": str(n) for n in range(4)}
    assert {key: s.count for key, s in run.data.summaries.items()} == {
        "before": 1,
        "after": 1,
        **{f"loss{n}": 300 for n in range(4)},
    }
    for worker in range(4):
        points = steno.Client().get_metric_history(run.info.run_id, f"loss{worker}")
        assert [m.step for m in points] == list(range(300))


def test_a_child_that_ends_does_not_end_its_parents_run(tracking, script):
    text = (
        "import os, steno\n"
        "run = steno.start_run()\n"
        "pid = os.fork()\n"
        "if not pid:\n"
        "  steno.end_run('FAILED')\n"
        "  os._exit(0)\n"
        "os.waitpid(pid, 0)\n"
        "print(steno.get_run(run.run_id).info.status)\n"
    )
    assert script.run(text, STENO_TRACKING_URI=tracking).strip() == "RUNNING"
    (run,) = steno.search_runs(output_format="list")
    assert run.info.status == RunStatus.FINISHED


def test_a_run_that_a_child_starts_is_its_own(tracking, script):
    text = (
        "import os, steno\n"
        "with steno.start_run(run_name='parent'):\n"
        "  pid = os.fork()\n"
        "  if not pid:\n"
        "    with steno.start_run(run_name='child', nested=True): steno.log_metric('a', 1.0)\n"
        "    os._exit(0)\n"
        "  os.waitpid(pid, 0)\n"
    )
    script.run(text, STENO_TRACKING_URI=tracking)
    child, parent = sorted(steno.search_runs(output_format="list"), key=lambda run: run.info.run_name)
    assert (child.info.status, parent.info.status) == (RunStatus.FINISHED, RunStatus.FINISHED)
    assert child.data.tags["mlflow.parentRunId"] == parent.info.run_id
    assert child.data.metrics == {"a": 1.0}


@pytest.mark.parametrize("variable", ["RANK", "LOCAL_RANK", "SLURM_PROCID", "OMPI_COMM_WORLD_RANK", "PMI_RANK"])
def test_a_rank_above_0_records_nothing(tracking, script, variable):
    text = (
        "import steno\n"
        "with steno.start_run() as run:\n"
        "  steno.log_params({'a': 1})\n"
        "  steno.log_metric('a', 1.0)\n"
        "  steno.set_tag('a', 1)\n"
        "  run.log_file('a.txt', b'a' * 100000)\n"
    )
    script.run(text, STENO_TRACKING_URI=tracking, **{variable: "1"})
    assert steno.search_runs(output_format="list") == []
    script.run(text, STENO_TRACKING_URI=tracking, **{variable: "0"})
    script.run(text, STENO_TRACKING_URI=tracking, STENO_RECORD_ALL_RANKS="true", **{variable: "1"})
    assert len(steno.search_runs(output_format="list")) == 2


def test_a_fork_while_other_threads_log_loses_and_blocks_nothing(tracking, script):
    text = (
        "import os, threading, steno\n"
        "stop = threading.Event()\n"
        "counts = [0] * 4\n"
        "with steno.start_run() as run:\n"
        "  def log(n):\n"
        "    while not stop.is_set():\n"
        "      run.log_metric(f't{n}', float(counts[n]), counts[n])\n"
        "      counts[n] += 1\n"
        "  threads = [threading.Thread(target=log, args=(n,)) for n in range(4)]\n"
        "  for t in threads: t.start()\n"
        "  for n in range(20):\n"
        "    pid = os.fork()\n"
        "    if not pid:\n"
        "      run.log_metric('forked', float(n), n)\n"
        "      os._exit(0)\n"
        "    assert os.waitpid(pid, 0)[1] == 0\n"
        "  stop.set()\n"
        "  for t in threads: t.join()\n"
        "import json; print(json.dumps([run.run_id, counts]))\n"
    )
    run_id, counts = json.loads(script.run(text, STENO_TRACKING_URI=tracking))
    summaries = steno.get_run(run_id).data.summaries
    assert [summaries[f"t{n}"].count for n in range(4)] == counts
    assert summaries["forked"].count == 20
