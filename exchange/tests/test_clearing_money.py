"""Fees, positions, margin and the ledger, in figures worked out by hand."""

from random import Random

import numpy as np
import pytest

from exchange.clearing.fees import BYBIT, LAB, SCHEDULES
from exchange.clearing.ledger import LedgerCause, entries_of_executions, entries_of_funding
from exchange.clearing.margin import (
    RISK_LIMIT,
    TIERS,
    Opening,
    exposure,
    initial_margin,
    maintenance_margin,
)
from exchange.clearing.money import fee
from exchange.clearing.positions import Position
from exchange.engine.messages import BUY, SELL
from exchange.kinds import EXECUTIONS, FUNDING, MONEY_UNITS

MILLION = 10**6 * MONEY_UNITS


def test_fees_are_rounded_up_to_a_unit():
    assert [fee(value, 20) for value in (0, 1, 50_000, 50_001, 10**16)] == [0, 1, 1, 2, 2 * 10**11]
    assert SCHEDULES == {"lab": LAB, "bybit": BYBIT}
    assert (LAB, BYBIT) == ((20, 0), (550, 200))


@pytest.mark.parametrize(
    ("trades", "lots", "cost", "realised"),
    [
        ([(BUY, 100, 3)], 3, 300, [0]),
        ([(BUY, 100, 3), (BUY, 104, 1)], 4, 404, [0, 0]),
        ([(BUY, 100, 4), (SELL, 103, 1)], 3, 300, [0, 3]),
        ([(BUY, 100, 4), (SELL, 103, 4)], 0, 0, [0, 12]),
        ([(BUY, 100, 4), (SELL, 103, 6)], -2, -206, [0, 12]),
        ([(SELL, 100, 4), (BUY, 103, 6)], 2, 206, [0, -12]),
        ([(SELL, 100, 3), (BUY, 90, 2)], -1, -100, [0, 20]),
    ],
)
def test_position_opens_adds_reduces_and_flips(trades, lots, cost, realised):
    position = Position()
    assert [position.trade(side, ticks, size, 1) for side, ticks, size in trades] == realised
    assert (position.lots, position.cost) == (lots, cost)


def test_realised_profit_is_exact_whatever_the_average_entry():
    rng, position, cash, realised, lots = Random(1), Position(), 0, 0, 0
    for _ in range(2_000):
        side, ticks, size = rng.choice([BUY, SELL]), rng.randrange(1, 99), rng.randrange(1, 99)
        realised += position.trade(side, ticks, size, 7)
        cash -= side * ticks * size * 7
        lots += side * size
        assert position.lots == lots
        assert position.cost == realised - cash
        assert position.cost * lots >= 0
        assert (position.cost == 0) == (lots == 0)


def test_margin_of_the_first_tier():
    assert initial_margin(1_000, 10) == 100
    assert initial_margin(1_001, 10) == 101
    assert maintenance_margin(1_000) == 5
    assert maintenance_margin(1_001) == 6


def test_each_slice_of_a_position_pays_the_rates_of_its_tier():
    assert maintenance_margin(12 * MILLION) == (2 * 5 + 8 * 10 + 2 * 20) * MILLION // 1_000
    assert initial_margin(12 * MILLION, 100) == 2 * MILLION // 100 + 8 * MILLION // 50 + (
        2 * MILLION // 25
    )
    assert initial_margin(12 * MILLION, 5) == 12 * MILLION // 5
    beyond = RISK_LIMIT + MILLION
    assert maintenance_margin(beyond) - maintenance_margin(RISK_LIMIT) == MILLION // 10


def test_margins_rise_with_value_and_maintenance_is_the_smaller():
    values = [tier.limit + step for tier in TIERS for step in (-1, 0, 1)]
    initial = [initial_margin(value, 100) for value in values]
    maintenance = [maintenance_margin(value) for value in values]
    assert initial == sorted(initial)
    assert maintenance == sorted(maintenance)
    assert all(small < large for small, large in zip(maintenance, initial, strict=True))


@pytest.mark.parametrize(
    ("lots", "orders", "expected"),
    [
        (0, [], (0, 0, 0)),
        (-5, [], (500, 0, 0)),
        (0, [(BUY, 90, 2), (BUY, 80, 1)], (260, 260, 0)),
        (0, [(BUY, 90, 2), (SELL, 110, 1)], (180, 290, 0)),  # both sides cannot be open at once
        (5, [(BUY, 90, 2)], (680, 180, 0)),
        (5, [(SELL, 110, 5)], (500, 0, 0)),  # only closes
        (5, [(SELL, 110, 7)], (500, 220, 0)),  # flips to 2 lots
        (5, [(SELL, 110, 12)], (770, 770, 0)),
        (5, [(SELL, 110, 5), (SELL, 130, 5)], (650, 650, 0)),  # the dearest are filled last
        (0, [(BUY, 103, 2)], (206, 206, 6)),
        (0, [(SELL, 98, 2)], (196, 196, 4)),
    ],
)
def test_exposure_is_what_resting_orders_can_bring(lots, orders, expected):
    opening = Opening(100)
    for order in orders:
        opening.add(*order)
    assert exposure(lots, opening) == expected


def test_ledger_entries_of_executions():
    rows = np.zeros(3, EXECUTIONS.dtype)
    rows["instrument"], rows["account"] = 1, 5
    rows["seq"], rows["at"] = [1, 2, 3], [10, 20, 30]
    rows["fee"], rows["realised"] = [3, 0, 4], [0, 0, -50]
    entries = entries_of_executions(rows)[["at", "cause", "amount", "execution_seq"]].tolist()
    assert entries == [
        (10, LedgerCause.FEE, -3, 1),
        (30, LedgerCause.REALISED, -50, 3),
        (30, LedgerCause.FEE, -4, 3),
    ]


def test_ledger_entries_of_money_that_moves_without_a_trade():
    rows = np.zeros(3, FUNDING.dtype)
    rows["instrument"], rows["account"] = 7, 5
    rows["cause"] = [LedgerCause.FUNDING, LedgerCause.DEPOSIT, LedgerCause.FUNDING]
    rows["amount"] = [-8, 100, 0]
    entries = entries_of_funding(rows)[["account", "instrument", "cause", "amount"]].tolist()
    assert entries == [(5, 7, LedgerCause.FUNDING, -8), (5, 0, LedgerCause.DEPOSIT, 100)]
