"""One training is one run, whatever processes take part and however they end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import all_runs, history

LOOP = """
import os, sys, signal
import torch
from torch import nn
torch.set_num_threads(1)

def train(count=4, model=None):
    torch.manual_seed(0)
    model = model if model is not None else nn.Linear(3, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for step in range(count):
        optimizer.zero_grad()
        loss = model(torch.ones(2, 3)).square().mean()
        loss.backward()
        optimizer.step()
    return model
"""
HEAD = "import steno\nsteno.autolog(log_models=False)\n"


@pytest.fixture
def script(tracking: str, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a script that trains, in a process of its own that writes to this test's store."""

    def run(text: str, head: str = HEAD, **environ: str) -> subprocess.CompletedProcess[str]:
        path = tmp_path / "script.py"
        path.write_text(head + LOOP + textwrap.dedent(text))
        return subprocess.run(
            [sys.executable, str(path)],
            env={**os.environ, "STENO_TRACKING_URI": tracking, "OMP_NUM_THREADS": "1", **environ},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )

    return run


def told() -> list[tuple[str, str, int]]:
    """(name, status, number of losses) of each run."""
    return [(run.info.run_name, run.info.status, len(history(run, "loss"))) for run in all_runs()]


@pytest.mark.parametrize(
    ("end", "status", "code", "reason"),
    [
        ("", "FINISHED", 0, None),
        ("raise ValueError('mine')", "FAILED", 1, "ValueError"),
        ("sys.exit(3)", "FAILED", 3, "exit code 3"),
        ("raise KeyboardInterrupt", "KILLED", -signal.SIGINT, "SIGINT"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "KILLED", -signal.SIGKILL, None),
    ],
)
def test_a_script_ends_its_run_truly(script, end, status, code, reason):
    done = script(f"train()\n{end}\n")
    assert done.returncode == code, done.stderr
    ((_, found, _),) = told()
    if code != -signal.SIGKILL:
        assert found == status
        assert told()[0][2] == 4
    else:
        assert found not in ("FINISHED", "RUNNING")
    if reason is not None:
        assert all_runs()[0].data.tags["steno.end_reason"] == reason


RANKS = """
from torch import distributed
from torch.nn.parallel import DistributedDataParallel

def rank(number, folder):
    import steno
    steno.autolog(log_models=False)
    distributed.init_process_group("gloo", f"file://{folder}/meet", rank=number, world_size=2)
    train(model=DistributedDataParallel(nn.Linear(3, 1)))
    distributed.destroy_process_group()
"""


@pytest.mark.slow
def test_ranks_that_are_spawned_are_one_run(script):
    done = script(
        RANKS
        + """
if __name__ == "__main__":
    torch.multiprocessing.spawn(rank, args=(os.getcwd(),), nprocs=2)
""",
        head="",
    )
    assert done.returncode == 0, done.stderr
    assert told() == [("Linear", "FINISHED", 4)]


@pytest.mark.slow
def test_ranks_that_a_launcher_starts_are_one_run(tracking, tmp_path):
    path = tmp_path / "script.py"
    path.write_text(LOOP + RANKS + "rank(int(os.environ['RANK']), os.getcwd())\n")
    ranks = [
        subprocess.Popen(
            [sys.executable, str(path)],
            env={**os.environ, "STENO_TRACKING_URI": tracking, "RANK": str(number), "WORLD_SIZE": "2"},
            cwd=tmp_path,
        )
        for number in range(2)
    ]
    assert [each.wait(timeout=100) for each in ranks] == [0, 0]
    assert told() == [("Linear", "FINISHED", 4)]


def test_workers_that_are_forked_have_runs_of_their_own(script):
    done = script("""
        import multiprocessing
        train(6)
        fork = multiprocessing.get_context("fork")
        workers = [fork.Process(target=train) for _ in range(2)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        """)
    assert done.returncode == 0, done.stderr
    assert sorted(told()) == [("Linear", "FINISHED", 4), ("Linear", "FINISHED", 4), ("Linear", "FINISHED", 6)]


def test_a_worker_that_fails_has_a_run_that_failed(script):
    done = script("""
        import multiprocessing
        def work():
            train()
            raise ValueError("mine")
        worker = multiprocessing.get_context("fork").Process(target=work)
        worker.start()
        worker.join()
        print(worker.exitcode)
        """)
    assert done.stdout.strip() == "1"
    assert told() == [("Linear", "FAILED", 4)]


def test_forked_workers_inside_a_run_of_the_users_write_to_it(script):
    done = script("""
        import multiprocessing
        with steno.start_run(run_name="mine"):
            fork = multiprocessing.get_context("fork")
            workers = [fork.Process(target=train) for _ in range(2)]
            for worker in workers:
                worker.start()
            for worker in workers:
                worker.join()
        """)
    assert done.returncode == 0, done.stderr
    assert told() == [("mine", "FINISHED", 8)]


@pytest.mark.slow
def test_workers_of_a_pool_have_runs_of_their_own(script):
    done = script("""
        from joblib import Parallel, delayed
        def work():
            import steno
            steno.autolog(log_models=False)
            train()
        if __name__ == "__main__":
            Parallel(n_jobs=2, backend="loky")(delayed(work)() for _ in range(2))
            from joblib.externals.loky import get_reusable_executor
            get_reusable_executor().shutdown(wait=True)
        """)
    assert done.returncode == 0, done.stderr
    assert [count for _, _, count in told()] == [4, 4]
    assert {status for _, status, _ in told()} == {"FINISHED"}


def test_data_loader_workers_are_no_trainings(script):
    done = script("""
        data = torch.utils.data.DataLoader(torch.ones(8, 3), batch_size=2, num_workers=2)
        model = nn.Linear(3, 1)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for batch in data:
            loss = model(batch).mean()
            loss.backward()
            optimizer.step()
        """)
    assert done.returncode == 0, done.stderr
    assert told() == [("Linear", "FINISHED", 4)]


def test_a_thread_that_outlives_its_training_ends_nothing_early(script):
    done = script("""
        import threading
        thread = threading.Thread(target=train, args=(50,))
        thread.start()
        train(10)
        thread.join()
        steno.flush()
        """)
    assert done.returncode == 0, done.stderr
    assert sorted(told()) == [("Linear", "FINISHED", 10), ("Linear", "FINISHED", 50)]
