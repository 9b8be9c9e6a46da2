"""The matching engine compared with a slow, obvious one on random tapes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.matching import (
    BUY,
    MESSAGE,
    SELL,
    Kind,
    MatchingEngine,
    SelfTradePrevention,
    TimeInForce,
)
from exchange.tests.naiveengine import NaiveEngine
from exchange.tests.tapes import random_tape, small_engine

IDS = {
    "reused": np.arange(-20, 20),
    "by slot": (np.arange(1, 200) << 16) + 3,
    "far apart": np.random.default_rng(1).integers(-(2**63), 2**63, 300),
}
PRICES = {
    "narrow": np.arange(95, 106),
    "across pages": np.arange(1, 200),
    "any": np.array([1, 2, 63, 64, 65, 4095, 4096, 2**31, 2**40, 2**53, 2**62 - 2, 2**62 - 1]),
}
MESSAGES = st.lists(
    st.tuples(
        st.sampled_from(Kind),
        st.sampled_from([BUY, SELL]),
        st.sampled_from(TimeInForce),
        st.integers(1, 6),
        st.integers(0, 2),
        st.sampled_from([1, 63, 64, 65, 128, 2**40]),
        st.integers(1, 4),
    ),
    max_size=40,
)


def assert_equal(engine, naive):
    for side in (BUY, SELL):
        assert engine.best(side) == naive.best(side)
        assert engine.levels(side, 10**6).tolist() == naive.levels(side, 10**6)
        assert engine.levels(side, 2).tolist() == naive.levels(side, 2)


@given(messages=MESSAGES, prevention=st.sampled_from(SelfTradePrevention))
def test_every_report_and_level_equals_those_of_the_naive_engine(messages, prevention):
    engine = small_engine(capacity=4, self_trade_prevention=prevention)
    naive = NaiveEngine(capacity=4, prevention=prevention)
    for message in np.array(messages, MESSAGE).reshape(-1, 1):
        assert engine.process(message).tolist() == naive.process(message)
        engine.check()
        assert_equal(engine, naive)


@pytest.mark.parametrize("prevention", SelfTradePrevention)
@pytest.mark.parametrize("ids", IDS)
@pytest.mark.parametrize("prices", PRICES)
def test_random_tapes_in_batches(prices, ids, prevention):
    rng = np.random.default_rng([len(prices), len(ids), prevention])
    engine = small_engine(self_trade_prevention=prevention)
    naive = NaiveEngine(prevention=prevention)
    for size in rng.integers(1, 400, 5):
        messages = random_tape(rng, size, PRICES[prices], IDS[ids], owners=[0, 0, 1, 2])
        most = 2 * messages.size + len(naive.orders)
        assert engine.process(messages).tolist() == naive.process(messages)
        assert len(naive.reports) <= most  # for so many the engine reserves memory
        engine.check()
        assert_equal(engine, naive)
        engine = MatchingEngine.restore(engine.snapshot())
        engine.check()
        assert_equal(engine, naive)


def test_batches_of_any_size_give_the_same_reports():
    messages = random_tape(np.random.default_rng(7), 3_000, PRICES["narrow"], IDS["by slot"], [0])
    whole = MatchingEngine()
    reports = whole.process(messages)
    single = small_engine()
    parts = [single.process(messages[i : i + 1]) for i in range(len(messages))]
    messages_of = np.repeat(np.arange(len(parts)), [part.size for part in parts])
    joined = np.concatenate(parts)
    assert not joined["message"].any()
    joined["message"] = messages_of
    assert joined.tolist() == reports.tolist()
    assert single.snapshot() == whole.snapshot()
