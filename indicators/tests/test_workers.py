"""Real Celery workers on a real Redis."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import psutil
import psycopg
import pytest
from celery import Celery

from indicators.hurst import hurst_exponent
from rig.processes import ROOT, environment, manage, new_database_url
from scripts.services import Redis

TIME_LIMIT_S = 6


@pytest.fixture
def redis():
    with Redis() as server:
        yield server


@pytest.fixture
def env(redis, tmp_path):
    env = environment(new_database_url(tmp_path), redis.url)
    return env | {"TASK_TIME_LIMIT_S": str(TIME_LIMIT_S)}


@contextlib.contextmanager
def worker(env, name):
    """Run a worker; on leaving, end it and all its children."""
    command = [sys.executable, "-m", "celery", "--app", "pytrade", "worker", "--concurrency", "1"]
    process = subprocess.Popen(
        [*command, "--hostname", f"{name}@%h", "--include", "indicators.tests.worker_tasks"],
        cwd=ROOT,
        env=env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        children = psutil.Process(process.pid).children(recursive=True) if is_alive(process) else []
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)
        _, alive = psutil.wait_procs(children, timeout=10)
        assert alive == []


def is_alive(process):
    return process.poll() is None


def test_the_pool_works_in_a_worker_and_ends_with_it(redis, env):
    app = Celery(broker=redis.url, backend=redis.url)
    with worker(env, "a"):
        found = app.send_task("indicators.tests.worker_tasks.scan_in_pool").get(timeout=60)
    matrix = np.random.default_rng(1).normal(size=(8, 600)).cumsum(axis=1)
    assert found == [hurst_exponent(row).value for row in matrix]


def shell(env, code):
    return json.loads(manage("shell", "-v0", "-c", code, env=env).splitlines()[-1])


PLAN = """
import json
from datetime import UTC, datetime
from indicators import runs
from indicators.catalogue import CATALOGUE
from indicators.embedded import start_run
from instruments.models import Instrument
runs.costs.CHUNK_WINDOWS = 50
run = runs.plan_run(indicator="hurst", instrument=Instrument.objects.get(symbol="ES"),
    start=datetime(2026, 1, 1, tzinfo=UTC), end=datetime(2026, 2, 1, tzinfo=UTC),
    parameters=CATALOGUE["hurst"].read({"n": 1500}), step=1)
start_run(run)
print(json.dumps([str(run.pk), run.chunk_count]))
"""
TWO_DONE = """
from indicators.models import RunChunk
while (done := RunChunk.objects.count()) < 2:
    pass
print(done)
"""
STATE = """
import json
from indicators.models import ComputationRun, Reading
run = ComputationRun.objects.get()
print(json.dumps([run.state, run.error, run.chunks_done, Reading.objects.count()]))
"""


def fill(env, days):
    manage("migrate", "-v0", env=env)
    manage("seedinstruments", env=env)
    span = ["--since", "2026-01-01T00:00:00Z", "--until", f"2026-01-{1 + days:02}T00:00:00Z"]
    manage("backfill", *span, "--seed", "7", "--interval", "5", "--instruments", "ES", env=env)


@pytest.mark.timeout(240)
def test_a_run_whose_worker_is_killed_is_finished_by_another(env):
    fill(env, days=5)
    _, chunks = shell(env, PLAN)
    with worker(env, "first") as first:
        assert shell(env, TWO_DONE) >= 2
        children = psutil.Process(first.pid).children(recursive=True)
        first.kill()
        for child in children:
            child.kill()
    state, _, done, _ = shell(env, STATE)
    assert (state, 0 < done < chunks) == ("running", True)
    # The transport looks for what a dead worker held when it starts, and then every 100 s only.
    given_back = time.monotonic() + 2 * TIME_LIMIT_S
    while time.monotonic() < given_back:
        assert shell(env, STATE)[0] == "running"
    deadline = time.monotonic() + 120
    with worker(env, "second"):
        while shell(env, STATE)[0] == "running" and time.monotonic() < deadline:
            os.sched_yield()
    state, error, done, readings = shell(env, STATE)
    assert (state, error, done) == ("done", "", chunks)
    assert readings == 5 * 1440 - 1_500 + 1


@pytest.mark.anywhere
def test_a_chunk_beyond_the_time_limit_fails_its_run_with_that_reason(redis, postgresql):
    env = environment(postgresql.url, redis.url) | {"TASK_TIME_LIMIT_S": "2"}
    fill(env, days=2)
    shell(env, PLAN)
    with (
        psycopg.connect(postgresql.url) as other,
        worker(env, "waiting"),
    ):
        other.execute("LOCK TABLE indicators_reading")
        deadline = time.monotonic() + 60
        while (found := run_of(other))[0] != "failed" and time.monotonic() < deadline:
            os.sched_yield()
    assert found == ("failed", "chunk 0 took longer than TASK_TIME_LIMIT_S = 2")


def run_of(connection):
    return connection.execute("SELECT state, error FROM indicators_computationrun").fetchone()
