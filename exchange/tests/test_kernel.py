"""Compiled functions: what is in the cache is never older than the source."""

import importlib
import sys

import numpy as np
import pytest
from numba.core.dispatcher import Dispatcher

from exchange.flow.market import BookMarket
from exchange.flow.tests.markets import open_market
from exchange.matching import MESSAGE, MatchingEngine
from market.compiling import Deferred
from scripts import kernels, kerneluses

HELPER = """
from typing import NamedTuple

from exchange.engine.kernel import inlined

class Given{0}(NamedTuple):
    summand: int

given = Given{0}(0)

@inlined
def answer(given):
    return {0} + given.summand
"""
KERNEL = """
from exchange.engine.kernel import kernel
from helper_of_a_kernel import answer

@kernel
def ask(given):
    return answer(given)
"""


@pytest.fixture
def ask(tmp_path, monkeypatch):
    """Return a function that imports a kernel anew and calls it."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    (tmp_path / "kernel_with_a_helper.py").write_text(KERNEL)

    def ask(answer):
        (tmp_path / "helper_of_a_kernel.py").write_text(HELPER.format(answer))
        for name in ("helper_of_a_kernel", "kernel_with_a_helper"):
            sys.modules.pop(name, None)
        importlib.invalidate_caches()
        module = importlib.import_module("kernel_with_a_helper")
        given = sys.modules["helper_of_a_kernel"].given
        return module.ask(given), sum(module.ask.stats.cache_hits.values())

    return ask


def test_kernel_is_compiled_again_when_a_helper_in_another_file_changes(ask):
    assert ask(1) == (1, 0)
    assert ask(1) == (1, 1)
    assert ask(2) == (2, 0)


def test_setup_compiles_what_the_product_uses():
    kerneluses.of_exchange()
    compiled = signatures()
    engine = MatchingEngine(capacity=10)
    engine.process(np.zeros(3, MESSAGE))
    MatchingEngine.restore(engine.snapshot())
    market = open_market()
    market.advance(market.at + 5_000_000)
    market.execute(np.zeros(3, MESSAGE))
    BookMarket.restore(market.snapshot()).run_slots(2)
    assert signatures() == compiled
    assert set(map(len, compiled.values())) == {1}


def signatures():
    """Return the signatures for which each kernel of the exchange is compiled."""
    names = [name for name in sys.modules if name.startswith("exchange.") and ".tests" not in name]
    found = {}
    for module in map(sys.modules.get, names):
        for value in vars(module).values():
            if isinstance(value, Deferred):
                value = value.resolved
            if isinstance(value, Dispatcher) and value.targetoptions.get("nogil"):
                found[value.py_func.__qualname__] = list(value.signatures)
    assert {"execute", "advance", "_encode", "_decode"} <= set(found)
    return found


def test_setup_compiles_once(tmp_path, monkeypatch, capsys):
    done = []
    monkeypatch.setattr(kernels, "STAMP", tmp_path / "cache" / "kernels.stamp")
    monkeypatch.setattr(kerneluses, "use_all", lambda: done.append(1))
    kernels.main()
    kernels.main()
    assert len(done) == 1
    monkeypatch.setattr(kernels, "fingerprint", lambda: "of other sources")
    kernels.main()
    assert len(done) == 2
    assert "Compiling" in capsys.readouterr().err
