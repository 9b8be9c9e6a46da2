"""The first full collections freeze what they leave, later ones do not."""

import gc
import subprocess
import sys
from collections.abc import Iterator

import pytest

from pytrade.garbage import Freezer


@pytest.fixture
def nothing_frozen() -> Iterator[None]:
    others = gc.callbacks[:]
    gc.callbacks.clear()
    gc.unfreeze()
    yield
    gc.unfreeze()
    gc.callbacks.extend(others)


@pytest.mark.usefixtures("nothing_frozen")
def test_survivors_of_the_first_full_collections_are_frozen() -> None:
    freezer = Freezer(freezes=2)
    freezer("start", {"generation": 2})
    freezer("stop", {"generation": 1})
    assert gc.get_freeze_count() == 0
    freezer("stop", {"generation": 2})
    assert gc.get_freeze_count() > 10_000
    freezer("stop", {"generation": 2})
    gc.unfreeze()
    freezer("stop", {"generation": 2})
    assert gc.get_freeze_count() == 0


@pytest.mark.processes
@pytest.mark.processes
def test_web_process_starts_with_frozen_modules() -> None:
    code = "import gc, pytrade.asgi; print(gc.get_freeze_count(), len(gc.get_objects()))"
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, stdout=subprocess.PIPE, text=True
    )
    frozen, others = map(int, done.stdout.split())
    assert frozen > 50_000
    assert others < 1_000
