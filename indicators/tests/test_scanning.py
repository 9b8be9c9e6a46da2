"""The pool of processes: same numbers, nothing left behind."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import psutil
import pytest

from indicators.scanning import pays, scan
from indicators.sharedpool import SharedPool, WorkerError

pytestmark = pytest.mark.processes

ROOT = Path(__file__).resolve().parents[2]
WANTED = [("hurst", {}), ("entropy", {"m": 4}), ("persistence", {}), ("variance_ratio", {"q": 4})]


@pytest.fixture
def pool():
    before = workers_of(os.getpid())
    pool = SharedPool(2, "indicators.scanning")
    pool.before = before
    yield pool
    pool.close()


def test_processes_give_the_results_of_one_process():
    matrix = np.random.default_rng(1).normal(size=(40, 600)).cumsum(axis=1)
    matrix[3] = 1.0
    here = scan(matrix, WANTED, workers=1)
    there = scan(matrix, WANTED, workers=2)
    assert [[e.value for e in row] for row in there] == [[e.value for e in row] for row in here]
    assert [[e.reason for e in row] for row in there] == [[e.reason for e in row] for row in here]
    assert "constant" in there[3][0].reason


def test_processes_are_used_where_they_pay():
    assert pays(np.empty((1_000, 2_000)), WANTED, 4)
    assert not pays(np.empty((1_000, 2_000)), WANTED, 1)
    assert not pays(np.empty((10, 2_000)), WANTED, 4)
    assert not pays(np.empty((1_000, 2_000)), [("persistence", {})], 4)


def test_workers_persist_and_a_killed_one_is_replaced(pool):
    matrix = np.zeros((1, 1))
    pids = workers_of(os.getpid()) - pool.before
    assert len(pids) == 2
    work = ("indicators.tests.test_scanning:pid_of_worker", matrix, [()] * 4)
    assert set(pool.map(*work)) <= pids
    killed = [psutil.Process(pid) for pid in pids]
    for process in killed:
        process.kill()
    psutil.wait_procs(killed, timeout=60)
    after = set(pool.map(*work))
    assert after
    assert not after & pids


def pid_of_worker(array):
    return os.getpid()


def workers_of(pid):
    return {
        child.pid
        for child in psutil.Process(pid).children()
        if "indicators.poolworker" in child.cmdline()
    }


def killed_by_itself(array):
    os.kill(os.getpid(), signal.SIGKILL)


def failing(array):
    array[0] = 1.0


def test_worker_that_dies_or_fails_raises(pool):
    module = "indicators.tests.test_scanning"
    with pytest.raises(WorkerError, match="ended"):
        pool.map(f"{module}:killed_by_itself", np.zeros(3), [()])
    with pytest.raises(WorkerError, match="read-only"):
        pool.map(f"{module}:failing", np.zeros(3), [()])
    assert pool.map(f"{module}:pid_of_worker", np.zeros(0), [()])


PARENT = """if True:
    import sys, numpy as np
    from indicators.sharedpool import SharedPool
    pool = SharedPool(2, "indicators.tests.test_scanning")
    pool.map("indicators.tests.test_scanning:pid_of_worker", np.zeros(1000), [()] * 2)
    print("ready", flush=True)
    pool.map("indicators.tests.test_scanning:" + sys.argv[1], np.zeros(1000), [()] * 2)
    sys.stdin.read()
"""


def shared_segments():
    """Return the named segments of Python processes of this machine, not of other programs."""
    return set(Path("/dev/shm").glob("psm_*"))


def lasting(array):
    threading.Event().wait(60)


@pytest.mark.parametrize("doing", ["lasting", "pid_of_worker"])
def test_killed_parent_leaves_no_worker_or_shared_memory(doing):
    before = shared_segments()
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, doing],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with parent:
        assert parent.stdout.readline() == "ready\n"
        workers = [psutil.Process(pid) for pid in workers_of(parent.pid)]
        assert len(workers) == 2
        parent.kill()
    _, alive = psutil.wait_procs(workers, timeout=60)
    assert alive == []
    assert shared_segments() <= before
