"""Random commands and trades: what holds at every moment, and that a desk can be reloaded."""

from random import Random

import pytest

from exchange.clearing.commands import CommandKind
from exchange.clearing.fees import BYBIT
from exchange.clearing.ledger import LedgerCause
from exchange.clearing.margin import exposure
from exchange.clearing.orders import Cause, OrderType, State, TriggerBy, TriggerDirection
from exchange.clearing.valuation import opening
from exchange.engine.messages import BUY, SELL, TimeInForce
from exchange.matching import MatchingEngine
from exchange.tests.venue import DOLLAR, TICK_VALUE, Session, Venue

BALANCES = (60, 300, 1_000, 20_000)
HOUR = 3_600_000_000
NONSENSE = (10**30, -(10**30), 0)


class Crowd:
    """Four accounts and a background that trade two instruments at random."""

    def __init__(self, seed, engine=lambda: None, reloads=0.0):
        self.rng = Random(seed)
        self.reloads, self.reload_rng = reloads, Random(seed)
        venues = [Venue(1, 10_000, engine()).fill(), Venue(2, 400, engine()).fill()]
        self.session = Session(venues, BALANCES)
        self.session.store.accounts[2] = (300 * DOLLAR, BYBIT)
        self.session.open_desk()
        for account in range(1, 5):
            self.leverage(account, 1, 100)
        self.money = 0

    def run(self, steps, check=None):
        actions = [self.place] * 9 + [self.trade] * 4 + [self.slot] * 4
        actions += [self.amend, self.cancel] * 2 + [self.others]
        for _ in range(steps):
            if self.reload_rng.random() < self.reloads:
                self.session.open_desk()
            self.rng.choice(actions)()
            if check is not None:
                check(self)
        return self

    def number(self, low, high):
        """Return a number in the range, or rarely one that is none of the desk's business."""
        return (
            self.rng.choice(NONSENSE) if self.rng.random() < 0.01 else self.rng.randint(low, high)
        )

    def chance(self, share):
        return self.rng.random() < share

    def near(self, venue, ticks=25):
        return self.number(venue.mark - ticks, venue.mark + ticks)

    def place(self):
        rng, account = self.rng, self.rng.randint(1, 4)
        venue = self.session.venues[rng.randint(1, 2)]
        held = self.session.position(account, venue.instrument_id)
        fields = {"instrument": venue.instrument_id, "side": rng.choice([BUY, SELL])}
        fields["lots"] = self.number(1, rng.choice([5, 50, 500, 10**7]))
        fields["type"] = rng.choice(list(OrderType))
        if fields["type"] is OrderType.LIMIT:
            fields["ticks"] = self.near(venue)
        fields["tif"] = rng.choice([*TimeInForce, TimeInForce.GTC, TimeInForce.GTC])
        if self.chance(0.3) and held:
            fields["side"] = (SELL if held > 0 else BUY) * self.rng.choice([1, 1, 1, 1, -1])
            fields["reduce_only"] = True
            if self.chance(0.3):
                fields["close"], fields["lots"] = True, 0
        elif self.chance(0.3) and held:
            fields["side"], fields["lots"] = (SELL if held > 0 else BUY), abs(held)
        if self.chance(0.25):
            fields["trigger_ticks"] = self.near(venue, 6)
            fields["trigger_by"] = rng.choice(list(TriggerBy))
            fields["trigger_direction"] = rng.choice(list(TriggerDirection))
        if self.chance(0.2):
            fields["client_id"] = str(rng.randint(1, 9))
        placed = self.session.order(
            fields.pop("side"), fields.pop("lots"), **fields, account=account
        )
        self.session.command(CommandKind.PLACE, account, placed=placed)

    def some_order(self):
        account = self.rng.randint(1, 4)
        orders = self.session.open_orders(account, self.rng.randint(1, 2))
        return account, self.rng.choice(orders).id if orders else self.rng.randint(1, 50)

    def amend(self):
        account, order = self.some_order()
        venue = self.session.venues[self.rng.randint(1, 2)]
        change = {}
        if self.chance(0.6):
            change["lots"] = self.number(1, 60)
        if self.chance(0.6):
            change["ticks"] = self.near(venue)
        if self.chance(0.2):
            change["trigger_ticks"] = self.near(venue)
        self.session.command(CommandKind.AMEND, account, order=order, **change)

    def cancel(self):
        account, order = self.some_order()
        self.session.command(CommandKind.CANCEL, account, order=order)

    def leverage(self, account, instrument, leverage):
        fields = {"instrument": instrument, "leverage": leverage}
        self.session.command(CommandKind.LEVERAGE, account, **fields)

    def others(self):
        account, instrument = self.rng.randint(1, 4), self.rng.randint(0, 2)
        match self.rng.randint(1, 4):
            case 1:
                self.session.command(CommandKind.CANCEL_ALL, account, instrument=instrument)
            case 2:
                self.leverage(account, instrument, self.number(98, 103))
            case _:
                amount = self.number(-50, 70) * DOLLAR
                self.session.command(CommandKind.MONEY, account, amount=amount)

    def trade(self):
        venue = self.session.venues[self.rng.randint(1, 2)]
        ticks = self.rng.choice([0, venue.mark - 5, venue.mark + 5])
        side, lots = self.rng.choice([BUY, SELL]), self.rng.randint(1, 80)
        self.session.trade(side, lots, ticks, venue.instrument_id)

    def slot(self):
        """End a slot: what is beyond the new mark trades, then the background refills."""
        venue = self.session.venues[self.rng.randint(1, 2)]
        jump = self.rng.randint(2, venue.mark // 50) if self.chance(0.1) else 1
        mark = max(200, venue.mark + self.rng.choice([-1, 1]) * jump)
        for side in (BUY, SELL):
            self.session.trade(side, 10**6, mark, venue.instrument_id)
        self.session.move(mark, venue.instrument_id, 2 * HOUR if self.chance(0.1) else 1_000_000)
        for side in (BUY, SELL):
            there = dict.fromkeys(venue.levels(side, 20)["ticks"].tolist())
            for ticks in range(mark - side, mark - 5 * side, -side):
                if ticks not in there:
                    self.session.quote(side, self.rng.randint(1, 60), ticks, venue.instrument_id)


def normal(accounts):
    """Return accounts without holdings that hold nothing."""
    shown = {}
    for account in accounts:
        holdings = {
            key: (holding.position, holding.leverage, holding.resting, holding.untriggered)
            for key, holding in account.holdings.items()
            if holding.position.lots or holding.orders() or holding.leverage != 10
        }
        counts = account.events, account.executions
        shown[account.id] = (account.balance, account.fees, counts, holdings)
    return shown


def check_stored_state(crowd):
    """What is stored is the state of the desk; the ledger is the balance."""
    session = crowd.session
    assert normal(session.store.load()) == normal(session.desk.accounts.values())


def check_book(crowd):
    """The orders of accounts that rest in the engine are those that the desk knows."""
    session = crowd.session
    for venue in session.venues.values():
        there = {
            -order.id: (order.owner, order.side, order.ticks, order.lots)
            for order in venue.engine.orders
            if order.id < 0
        }
        known = {
            order.id: (order.account, order.side, order.ticks, order.leaves)
            for account in session.desk.accounts.values()
            for order in account.holding(venue.instrument_id).resting.values()
        }
        assert there == known


def check_conservation(crowd):
    """No money appears: only deposits, fees, funding and insurance change the total."""
    session = crowd.session
    worth = 0
    for venue in session.venues.values():
        key = venue.instrument_id
        positions = [account.holding(key).position for account in session.desk.accounts.values()]
        positions.append(venue.background)
        assert sum(position.lots for position in positions) == 0
        worth += sum(position.unrealised(venue.mark, TICK_VALUE) for position in positions)
        worth += venue.background_profit
    worth += sum(account.balance for account in session.desk.accounts.values())
    start = sum(balance for balance, _ in session.store.accounts.values())
    moved = sum(entry[4] for entry in session.store.ledger if entry[3] != LedgerCause.REALISED)
    assert worth == start + moved


def check_accounts(crowd):
    """Reduce-only orders are within the position; without positions no balance is negative."""
    for account in crowd.session.desk.accounts.values():
        for holding in account.holdings.values():
            lots = holding.position.lots
            for side in (BUY, SELL):
                total = sum(
                    order.leaves for order in holding.reducing_orders() if order.side == side
                )
                assert total <= max(0, -side * lots)
        if not any(holding.position.lots for holding in account.holdings.values()):
            assert account.balance >= 0


def check_all(crowd):
    check_stored_state(crowd)
    check_book(crowd)
    check_conservation(crowd)
    check_accounts(crowd)


@pytest.mark.parametrize("seed", range(3))
def test_state_money_and_books_agree_after_every_step(seed):
    Crowd(seed).run(400, check_all)


def test_the_crowd_meets_nearly_every_rule():
    rows = Crowd(11).run(3_000).session.store.rows
    causes = {Cause(row[9]) for row in rows if row[0] == "order_events"}
    rare = {"TOO_MANY_ORDERS", "BOOK_FULL", "MARGIN_CALL", "LOTS_BELOW_FILLED", "INVALID_AMOUNT"}
    of_driver = {"BOOK_BEHIND"}
    assert {cause.name for cause in set(Cause) - causes} <= rare | of_driver
    states = {State(row[8]) for row in rows if row[0] == "order_events"}
    assert states == set(State)
    assert {row[5] for row in rows if row[0] == "funding"} == {
        LedgerCause.DEPOSIT,
        LedgerCause.WITHDRAWAL,
        LedgerCause.FUNDING,
        LedgerCause.INSURANCE,
    }


@pytest.mark.parametrize("seed", range(2))
def test_a_desk_reloaded_at_any_moment_makes_the_same_records(seed):
    expected = Crowd(seed).run(600).session.store.rows
    assert Crowd(seed, reloads=0.2).run(600).session.store.rows == expected


def test_the_desk_does_the_same_on_the_compiled_engine():
    expected = Crowd(5).run(600).session.store.rows
    assert Crowd(5, engine=MatchingEngine).run(600).session.store.rows == expected


def test_no_command_opens_more_than_the_account_can_margin():
    crowd, checked = Crowd(7), 0
    session = crowd.session

    def largest(holding, mark):
        return exposure(holding.position.lots, opening(holding, mark)).value

    def exposures():
        return {
            (account.id, key): largest(account.holding(key), venue.mark)
            for account in session.desk.accounts.values()
            for key, venue in session.venues.items()
        }

    for _ in range(1_500):
        before = exposures()
        action = crowd.rng.choice([crowd.place, crowd.place, crowd.amend, crowd.slot, crowd.trade])
        events = len(session.store.rows)
        action()
        if action in (crowd.slot, crowd.trade):
            continue
        fired = any(row[9] == Cause.TRIGGERED for row in session.store.rows[events:])
        after = exposures()
        grown = {key[0] for key, value in after.items() if value > before[key]}
        if len(grown) == 1 and not fired:
            checked += 1
            (account,) = grown
            assert session.desk.value(account).available >= 0
    assert checked > 50
