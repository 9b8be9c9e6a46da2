"""Imports that fail on purpose."""

import importlib
import sys
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType

import pytest

from market.leanimports import without

NAME = "this"


@pytest.fixture(autouse=True)
def unloaded(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The module prints a poem when it is loaded."""
    monkeypatch.delitem(sys.modules, NAME, raising=False)


def load() -> ModuleType:
    return importlib.import_module(NAME)


def test_a_module_is_missing_within_the_block_alone() -> None:
    with without(NAME), pytest.raises(ImportError, match="this is not wanted here"):
        load()
    assert load().__name__ == NAME


def test_other_threads_import_it_and_what_is_loaded_stays() -> None:
    with without(NAME), ThreadPoolExecutor(1) as threads:
        assert threads.submit(load).result() is load()
