"""Profit and loss: known values, both methods, and the desk's own positions."""

import random

import pytest

from exchange.clearing.positions import Position
from trading.core.profits import AverageCost, Fill, FirstInFirstOut, Method, ProfitAndLoss

BUY, SELL = 1, -1
TICK_VALUE = 7


@pytest.mark.parametrize(
    ("method", "profits"), [(AverageCost, [0, 0, 15, -5]), (FirstInFirstOut, [0, 0, 20, -10])]
)
def test_profit_of_closing_two_purchases(method: type[Method], profits: list[int]) -> None:
    result = ProfitAndLoss(tick_value=1, method=method())
    fills = [Fill(BUY, 100, 1), Fill(BUY, 110, 1), Fill(SELL, 120, 1), Fill(SELL, 100, 1)]
    assert [result.trade(fill) for fill in fills] == profits
    assert (result.realised, result.method.lots, result.method.cost) == (10, 0, 0)


def test_a_fill_that_reverses_closes_first() -> None:
    for method in (AverageCost(), FirstInFirstOut()):
        result = ProfitAndLoss(tick_value=1, method=method)
        result.trade(Fill(BUY, 100, 3))
        assert result.trade(Fill(SELL, 90, 5, fee=2)) == -30
        assert (method.lots, method.cost) == (-2, -180)
        assert result.unrealised(80) == 20
        assert result.net == -32


def test_methods_agree_on_what_was_earned_and_average_cost_equals_the_desk() -> None:
    rng = random.Random(5)
    for _ in range(50):
        desk = Position()
        average = ProfitAndLoss(tick_value=TICK_VALUE)
        fifo = ProfitAndLoss(tick_value=TICK_VALUE, method=FirstInFirstOut())
        cash = 0
        for _ in range(60):
            fill = Fill(rng.choice((BUY, SELL)), rng.randint(90, 110), rng.randint(1, 9))
            cash -= fill.side * fill.ticks * fill.lots * TICK_VALUE
            ledger = desk.trade(fill.side, fill.ticks, fill.lots, TICK_VALUE)
            assert average.trade(fill) == ledger
            fifo.trade(fill)
            mark = rng.randint(90, 110)
            earned = cash + desk.lots * mark * TICK_VALUE
            for each in (average, fifo):
                assert each.method.lots == desk.lots
                assert each.realised + each.unrealised(mark) == earned
