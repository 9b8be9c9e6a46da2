"""Real Celery workers on a real Redis."""

import contextlib
import json
import signal
import subprocess
import sys

import numpy as np
import psutil
import psycopg
import pytest
import redis as redis_client
from celery import Celery

from indicators.hurst import hurst_exponent
from rig.databases import seeded_on
from rig.processes import ROOT, environment, manage
from rig.waiting import wait_until
from scripts.services import Redis

pytestmark = pytest.mark.processes

DAYS = 5
"""Of the run that one worker begins and another ends: 115 chunks."""
CHUNK_LIMIT_S = 10
"""Also the limit of the task that starts the run, so that a busy machine must not reach it."""


@pytest.fixture
def redis():
    with Redis() as server:
        yield server


@pytest.fixture
def env(redis, postgresql):
    return environment(seeded_on(postgresql.url), redis.url)


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
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)
        _, alive = psutil.wait_procs(children, timeout=60)
        assert alive == []


def is_alive(process):
    return process.poll() is None


def test_pool_works_in_a_celery_worker_and_ends_with_it(redis, env):
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
run = runs.plan_run(indicator="hurst", instrument=Instrument.objects.get(symbol="YM"),
    start=datetime(2026, 1, 1, tzinfo=UTC), end=datetime(2026, 2, 1, tzinfo=UTC),
    parameters=CATALOGUE["hurst"].read({"n": 1500}), step=1)
start_run(run)
print(run.chunk_count)
"""


def planned(env, days):
    """Store `days` of YM, plan a run over them and put it into the queue; return its chunks."""
    span = ["--since", "2026-01-01T00:00:00Z", "--until", f"2026-01-{1 + days:02}T00:00:00Z"]
    manage("backfill", *span, "--seed", "7", "--interval", "5", "--instruments", "YM", env=env)
    return shell(env, PLAN)


class Progress:
    """Return the progress of the only run in the database."""

    def __init__(self, connection):
        self._connection = connection

    @property
    def state(self):
        return self._one("SELECT state FROM indicators_computationrun")

    @property
    def error(self):
        return self._one("SELECT error FROM indicators_computationrun")

    @property
    def chunks_done(self):
        return self._one("SELECT chunks_done FROM indicators_computationrun")

    @property
    def readings(self):
        return self._one("SELECT count(*) FROM indicators_reading")

    def _one(self, query):
        return self._connection.execute(query).fetchone()[0]


@pytest.fixture
def progress(env):
    with psycopg.connect(env["DATABASE_URL"], autocommit=True) as connection:
        yield Progress(connection)


def forget_deliveries(redis):
    """Make the broker believe that all tasks in progress, if any, were delivered long ago."""
    with redis_client.Redis.from_url(redis.url) as broker:
        if held := broker.zrange("unacked_index", 0, -1):
            broker.zadd("unacked_index", dict.fromkeys(held, 0))


def test_another_worker_finishes_the_run_of_a_killed_one(redis, env, progress):
    chunks = planned(env, days=DAYS)
    with worker(env, "first") as first:
        wait_until(lambda: progress.chunks_done >= 2, "two chunks are done")
        children = psutil.Process(first.pid).children(recursive=True)
        first.kill()
        for child in children:
            with contextlib.suppress(psutil.NoSuchProcess):  # it may end with its parent
                child.kill()
    assert progress.state == "running"
    assert progress.chunks_done < chunks
    forget_deliveries(redis)
    with worker(env, "second"):
        wait_until(lambda: progress.state != "running", "the run ends")
    assert (progress.state, progress.error, progress.chunks_done) == ("done", "", chunks)
    assert progress.readings == DAYS * 1440 - 1_500 + 1


def test_chunk_beyond_the_time_limit_fails_its_run_with_that_reason(env, progress):
    env |= {"TASK_TIME_LIMIT_S": str(CHUNK_LIMIT_S), "DATABASE_TIMEOUT_S": "50"}
    planned(env, days=2)
    with psycopg.connect(env["DATABASE_URL"]) as other, worker(env, "waiting"):
        other.execute("LOCK TABLE indicators_reading")
        wait_until(lambda: progress.state == "failed", "the run fails")
        other.rollback()  # the worker ends after its current chunk
    assert progress.error == f"chunk 0 took longer than TASK_TIME_LIMIT_S = {CHUNK_LIMIT_S}"
