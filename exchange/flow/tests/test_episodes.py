import json
from functools import cache

import numpy as np
import pytest

from exchange.flow.advances import joined
from exchange.flow.market import BookMarket
from exchange.flow.options import MarketOptions, episode_kinds
from exchange.flow.scripts import LEAD, SLOTS
from exchange.flow.tests.markets import (
    SECOND,
    Crowd,
    last_trades,
    law_of,
    message,
    open_market,
    run_with,
    same,
)
from exchange.flow.tests.test_market import market_orders
from exchange.kinds import EpisodeKind
from exchange.matching import Kind, Outcome
from quotes.law.walker import Start, Walker

SIDES = {"buy": 1, "sell": -1}


def details(made):
    return [json.loads(row["data"]) for row in made.episodes]


SEED, BLOCKS = 3, 4_500
"""Slots of five blocks, each with an episode."""


@cache
def run_through(kind, slots=BLOCKS):
    """Return a market with episodes of a kind, and what it made: tests that read share it."""
    market = open_market(law_of(SEED), episodes=(kind,))
    return market, market.run_slots(slots)


@cache
def run_alone():
    return open_market(law_of(SEED)).run_slots(BLOCKS)


@pytest.mark.parametrize("kind", EpisodeKind)
def test_an_episode_per_block_leaves_the_law_and_no_order_behind(kind):
    market, made = run_through(kind)
    alone = run_alone()
    assert np.array_equal(made.quotes, alone.quotes)
    assert np.array_equal(last_trades(made), made.quotes["ticks"])
    assert market_orders(made) == market_orders(alone)
    assert made.episodes["seq"].tolist() == [1, 2, 3, 4, 5]
    assert set(made.episodes["kind"]) == {kind}
    ids = [order for found in details(made) for order in found["orders"]]
    assert len(set(ids)) == len(ids) > 0
    cancels = np.concatenate([message(Kind.CANCEL, order) for order in ids])
    assert set(market.execute(cancels)[0]["outcome"]) == {Outcome.REJECTED}
    market.engine.check()


@pytest.mark.parametrize("kind", EpisodeKind)
def test_the_record_spans_the_trades_and_updates_of_the_episode(kind):
    _, made = run_through(kind)
    for row, found in zip(made.episodes, details(made), strict=True):
        ids = set(found["orders"])
        own = [t for t in made.trades if int(t["maker"]) in ids or int(t["taker"]) in ids]
        assert all(row["first_trade"] <= trade["seq"] <= row["last_trade"] for trade in own)
        assert all(row["began_at"] <= trade["at"] <= row["at"] for trade in own)
        assert row["last_slot"] - row["first_slot"] == SLOTS - 1


@pytest.mark.parametrize("kind", [EpisodeKind.SPOOFING, EpisodeKind.LAYERING])
def test_fake_depth_trades_only_genuinely_and_succeeds_before_a_run(kind):
    _, made = run_through(kind, 18_000)
    filled = set(made.trades["maker"].tolist())
    outcomes = []
    for row, found in zip(made.episodes, details(made), strict=True):
        steps = np.diff(made.quotes["ticks"])[row["first_slot"] + LEAD - 2 : row["last_slot"] - 1]
        runs = bool((steps == SIDES[found["side"]]).all())
        assert len(steps) == SLOTS - LEAD
        assert found["succeeds"] == runs
        assert not filled & set(found["fake"])
        assert (set(found["genuine"]) <= filled) or not runs
        outcomes.append(runs)
    assert 2 < sum(outcomes) < len(outcomes) - 2


def test_an_iceberg_absorbs_what_is_sold_into_it():
    _, made = run_through(EpisodeKind.ICEBERG)
    for found in details(made):
        at_price = made.trades[made.trades["ticks"] == found["ticks"]]
        assert set(found["slices"]) & set(at_price["maker"].tolist())
        assert set(found["takers"]) & set(at_price["taker"].tolist())


def test_wash_trades_are_between_the_orders_of_a_pair():
    _, made = run_through(EpisodeKind.WASH_TRADES)
    trades = set(made.trades[["maker", "taker"]].tolist())
    pairs = [tuple(pair) for found in details(made) for pair in found["pairs"]]
    assert len(trades & set(pairs)) > 0.7 * len(pairs)


def test_parts_with_episodes_equal_the_whole_wherever_time_is_cut():
    def market():
        return open_market(law_of(3), episodes=tuple(EpisodeKind))

    whole = run_with(Crowd(3, 0.2, one := market()), one, 950)
    cut, rng, parts = market(), np.random.default_rng(1), []
    crowd = Crowd(3, 0.2, cut)
    while True:
        due = crowd.wait()
        while cut.at < due and cut.position.slot <= 950:
            at = min(due, cut.at + int(rng.exponential(SECOND / 2)))
            parts.append(cut.advance(at, 951 - cut.position.slot))
            if rng.random() < 0.1:
                cut = BookMarket.restore(cut.snapshot())
        if cut.position.slot == 951:
            break
        position = cut.position
        repeated = BookMarket.restore(cut.snapshot())
        assert not len(repeated.advance_to(position).updates)
        parts.append(cut.execute(crowd.next_message(cut.mark))[1])
    assert same(joined(parts), whole)
    assert len(whole.episodes) == 1


def test_positions_within_episodes_can_be_reached_again():
    market = open_market(law_of(3), episodes=(EpisodeKind.QUOTE_STUFFING,))
    (row,) = market.run_slots(900).episodes
    market = open_market(law_of(3), episodes=(EpisodeKind.QUOTE_STUFFING,))
    market.advance(int(row["began_at"]))
    slot, event = market.position
    checkpoint = market.snapshot()
    whole = market.run_slots(10)
    for later in (1, 7, 40):
        again = BookMarket.restore(checkpoint)
        first = again.advance_to((slot, event + later))
        assert again.position == (slot, event + later)
        parts = [first, again.run_slots(10)]
        assert same(joined(parts), whole)


def test_another_run_of_the_law_interrupts_an_episode():
    kinds = (EpisodeKind.LAYERING,)
    (row,) = open_market(law_of(3), episodes=kinds).run_slots(900).episodes
    market = open_market(law_of(3), episodes=kinds)
    market.advance(int(row["began_at"]) + SECOND)
    slot = market.position.slot
    law = law_of(9, price=market.mark, first_seq=slot, started_at=market.at + 60 * SECOND)
    market.begin_run(Start(law, slot, law.start))
    made = market.run_slots(900)
    assert details(made)[0]["interrupted"]
    assert made.episodes["last_slot"][0] == slot
    assert len(made.episodes) == 2
    assert np.array_equal(made.quotes, Walker(law, slot, law.start).take(900)[0].rows)


def test_kinds_of_episodes_can_be_changed():
    market = open_market(law_of(3))
    assert not len(market.run_slots(1_000).episodes)
    market.choose(MarketOptions(episodes=(EpisodeKind.ICEBERG,)))
    made = market.run_slots(2_600)
    assert made.episodes["kind"].tolist() == [EpisodeKind.ICEBERG, EpisodeKind.ICEBERG]
    assert made.flow["first_slot"][0] == 1_001
    market.choose(MarketOptions())
    assert not len(market.run_slots(1_000).episodes)


def test_there_are_no_episodes_close_to_one_tick():
    market = open_market(law_of(price=5, phi=0.0), episodes=tuple(EpisodeKind))
    made = market.run_slots(50)
    assert np.array_equal(last_trades(made), made.quotes["ticks"])
    assert not len(made.episodes)


def test_kinds_are_named_in_a_list():
    assert episode_kinds("none") == ()
    assert episode_kinds("all") == tuple(EpisodeKind)
    assert episode_kinds("iceberg, spoofing") == (EpisodeKind.ICEBERG, EpisodeKind.SPOOFING)
    with pytest.raises(ValueError, match="episodes pump: use spoofing, layering"):
        episode_kinds("spoofing,pump")
