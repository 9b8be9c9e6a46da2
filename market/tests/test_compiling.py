"""Deferred compilation: the compiler is loaded by the first call, once, with all helpers."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from market.compiling import Deferred, njit

THREADS = 8
START = """if True:
    import django, json, os, sys
    os.environ["DJANGO_SETTINGS_MODULE"] = "pytrade.settings"
    django.setup()
    later = {"autobahn", "celery", "daphne", "indicators.admin", "llvmlite", "numba",
             "pyarrow.compute", "rich", "twisted"}
    print(json.dumps(sorted(later & set(sys.modules))))
"""


@njit()
def half(value: int) -> int:
    return value // 2


@njit()
def steps(value: int) -> int:
    count = 0
    while value > 1:
        value = half(value)
        count += 1
    return count


def test_helpers_are_compiled_with_their_kernel() -> None:
    assert steps(1_024) == 10
    assert list(steps.signatures) == list(half.signatures)  # type: ignore[attr-defined]  # of Numba
    assert steps.__name__ == "steps"


def test_threads_that_call_first_share_what_one_of_them_makes() -> None:
    together, made = Barrier(THREADS), []

    def make() -> object:
        made.append(object())
        return lambda: made[-1]

    deferred = Deferred(make)

    def call(_: int) -> object:
        together.wait(60)
        return deferred()

    with ThreadPoolExecutor(THREADS) as threads:
        assert set(threads.map(call, range(THREADS))) == {made[0]}
    assert len(made) == 1


@pytest.mark.processes
def test_project_starts_without_what_only_some_commands_need() -> None:
    answer = subprocess.run([sys.executable, "-c", START], check=True, capture_output=True)
    assert json.loads(answer.stdout) == []
