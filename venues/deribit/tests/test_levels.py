"""Books as clients hold them."""

import random

from exchange.depth.images import Ladder
from exchange.engine.messages import BUY, SELL
from venues.deribit.levels import Change, Shown, grouped


def book() -> dict[int, Ladder]:
    bids = [(100.0, 1.0), (99.5, 2.0), (98.0, 4.0)]
    asks = [(100.5, 1.0), (101.0, 2.0), (103.5, 4.0)]
    return {BUY: Ladder(-BUY, bids), SELL: Ladder(-SELL, asks)}


def applied(levels: dict[float, float], changes: list[Change]) -> None:
    """Do what a client does."""
    for action, price, amount in changes:
        if action == "delete":
            del levels[price]
        else:
            assert (price in levels) == (action == "change")
            levels[price] = amount


def test_first_look_shows_everything_as_new() -> None:
    shown = Shown()
    assert shown.show(book()) == shown.all()
    assert shown.all()["bids"][0] == ("new", 100.0, 1.0)


def test_changes_name_what_became_of_each_level() -> None:
    shown, now = Shown(), book()
    shown.show(now)
    now[BUY].set(100.0, 3.0)
    now[BUY].set(99.5, 0)
    now[SELL].set(102.0, 5.0)
    assert shown.show(now) == {
        "bids": [("delete", 99.5, 0.0), ("change", 100.0, 3.0)],
        "asks": [("new", 102.0, 5.0)],
    }
    assert shown.show(now) == {"bids": [], "asks": []}


def test_client_that_applies_all_changes_holds_the_book() -> None:
    rng = random.Random(1)
    shown, now = Shown(), book()
    held: dict[str, dict[float, float]] = {"bids": {}, "asks": {}}
    for _ in range(200):
        side = rng.choice((BUY, SELL))
        now[side].set(rng.randint(1, 40) / 2, float(rng.choice((0, 0, 1, 2))))
        if rng.random() < 0.5:
            for name, changes in shown.show(now).items():
                applied(held[name], changes)
    for name, changes in shown.show(now).items():
        applied(held[name], changes)
    assert held == {"bids": dict(now[BUY].best(None)), "asks": dict(now[SELL].best(None))}


def test_groups_round_away_from_the_other_side() -> None:
    assert grouped(book(), "none", 2) == {
        "bids": [(100.0, 1.0), (99.5, 2.0)],
        "asks": [(100.5, 1.0), (101.0, 2.0)],
    }
    assert grouped(book(), "1", 10) == {
        "bids": [(100.0, 1.0), (99.0, 2.0), (98.0, 4.0)],
        "asks": [(101.0, 3.0), (104.0, 4.0)],
    }
    assert grouped(book(), "5", 1) == {"bids": [(100.0, 1.0)], "asks": [(105.0, 7.0)]}
