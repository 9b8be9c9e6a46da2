"""What risk rules see: positions at the mark, orders that may open, money of each account once."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from django.db import IntegrityError

from exchange.accounts.opening import open_account
from exchange.kinds import MONEY_UNITS
from exchange.matching import BUY, SELL
from exchange.tests.clients import MARK, listed
from trading import killing
from trading.core.positionstates import PositionEvent
from trading.core.profits import Fill
from trading.core.risk.correlations import FEWEST_RETURNS, correlations
from trading.core.risk.limits import Limits
from trading.journeys import Execution, count_execution
from trading.models import Bot
from trading.portfolios import portfolio_of, portfolio_of_all
from trading.tests.bots import NOW, TICK_VALUE, bot, order, position

LOT = MARK * TICK_VALUE


@pytest.mark.django_db
def test_exposure_is_positions_and_the_orders_that_may_add_to_them() -> None:
    es = listed("ES")
    mine, other = bot("b1"), bot("b2")
    held = position(mine, es)
    filled = order(held, "b1-1", BUY, 3)
    entry = Execution(
        venue_id="1", fill=Fill(BUY, MARK, 3), is_maker=True, event=PositionEvent.ENTRY_FILLED
    )
    count_execution(filled, held, entry, tick_value=TICK_VALUE, at=NOW)
    order(held, "b1-2", SELL, 5)
    order(position(other, es), "b2-1", SELL, 2)
    (exposure,) = portfolio_of(mine, Limits()).exposures.values()
    assert (exposure.position, exposure.buying, exposure.selling) == (3 * LOT, 0, 5 * LOT)
    assert portfolio_of_all(Limits()).exposure("ES").selling == 7 * LOT
    killing.throw(bot=other, actor="me", reason="", at=NOW)
    assert not portfolio_of(mine, Limits()).is_killed
    assert portfolio_of(other, Limits()).is_killed
    assert not portfolio_of_all(Limits()).is_killed


@pytest.mark.django_db
def test_the_equity_of_all_is_that_of_their_accounts() -> None:
    for name, equity in (("b1", 7), ("b2", 5)):
        mine = bot(name)
        Bot.objects.filter(pk=mine.pk).update(equity=equity, peak=equity + 1)
    portfolio = portfolio_of_all(Limits())
    assert (portfolio.equity, portfolio.peak) == (12, 14)


@pytest.mark.django_db
def test_no_two_bots_share_an_account() -> None:
    account = open_account(name="a", balance=MONEY_UNITS)
    mine, other = bot("b1"), bot("b2")
    Bot.objects.filter(pk=mine.pk).update(account=account)
    with pytest.raises(IntegrityError):
        Bot.objects.filter(pk=other.pk).update(account=account)


@pytest.mark.django_db
def test_the_record_has_the_closed_trades() -> None:
    es = listed("ES")
    mine = bot()
    held = position(mine, es)
    story = (
        (BUY, MARK, PositionEvent.ENTRY_FILLED),
        (SELL, MARK + 4, PositionEvent.FLAT),
    )
    for number, (side, ticks, event) in enumerate(story):
        fill = Execution(venue_id="1", fill=Fill(side, ticks, 2), is_maker=True, event=event)
        count_execution(
            order(held, f"b1-{number}", side, 2), held, fill, tick_value=TICK_VALUE, at=NOW
        )
    record = portfolio_of(mine, Limits(kelly_cap_ppm=1)).record
    assert (record.wins, record.losses, record.gained) == (1, 0, 8 * TICK_VALUE)


def test_correlations_are_those_of_returns_at_common_times() -> None:
    rng = np.random.default_rng(1)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    walk = np.cumsum(rng.integers(-5, 6, 200)).tolist()
    at = [start + timedelta(minutes=n) for n in range(200)]
    up = dict(zip(at, walk, strict=True))
    down = {moment: -price for moment, price in up.items()}
    flat = dict.fromkeys(at, 7)
    few = dict(list(up.items())[:FEWEST_RETURNS])
    found = correlations({"up": up, "down": down, "flat": flat, "few": few})
    assert found == {frozenset(("up", "down")): pytest.approx(-1)}
