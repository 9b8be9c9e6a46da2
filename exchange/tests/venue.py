"""A book as the desk sees it, a desk in a session, and what a database makes of its rows."""

from dataclasses import replace

import numpy as np

from exchange.clearing.accounts import Account, Contract
from exchange.clearing.commands import Command, CommandKind
from exchange.clearing.desk import Desk
from exchange.clearing.fees import LAB
from exchange.clearing.ledger import entries_of_executions, entries_of_funding
from exchange.clearing.orders import Cause, Order, OrderType, State
from exchange.clearing.positions import Position
from exchange.clearing.records import Tails
from exchange.engine.messages import BUY, LEVEL, MESSAGE, REPORT, SELL, Kind, Outcome, TimeInForce
from exchange.kinds import EXECUTIONS, FUNDING, ORDER_EVENTS, TRADES
from exchange.tests.naiveengine import NaiveEngine

START = 1_767_229_200_000_000  # 01:00 UTC
TICK_VALUE = 1_000_000  # a cent: at 10,000 ticks, ten lots are worth 1,000
DOLLAR = 10**8


class Venue:
    """The BookPort of one instrument; its engine can be any that speaks MESSAGE and REPORT."""

    def __init__(self, instrument_id=1, mark=10_000, engine=None):
        self.instrument_id = instrument_id
        self.mark = self.last = mark
        self.at = self.marked_at = START
        self.trade_seq = 0
        self.engine = engine or NaiveEngine()
        self.background_id = 0
        self.background = Position()  # of everybody without an account
        self.background_profit = 0

    def best(self, side):
        return self.engine.best(side)

    def levels(self, side, n):
        return np.array(list(map(tuple, self.engine.levels(side, n))), LEVEL)

    def send(self, messages):
        return self.process(messages)[0]

    def process(self, messages):
        """Return the reports of messages, and their trades."""
        reports = np.array(list(map(tuple, self.engine.process(messages))), REPORT)
        fills = reports[reports["outcome"] == Outcome.FILLED]
        trades = np.zeros(len(fills), TRADES.dtype)
        for name in ("ticks", "lots", "side"):
            trades[name] = fills[name]
        trades["instrument"], trades["at"] = self.instrument_id, self.at
        trades["seq"] = self.trade_seq + 1 + np.arange(len(fills))
        trades["maker"], trades["taker"] = fills["maker_id"], fills["order_id"]
        self.trade_seq += len(fills)
        if len(fills):
            self.last = int(fills["ticks"][-1])
        for trade in trades:
            side, ticks, lots = (int(trade[name]) for name in ("side", "ticks", "lots"))
            for order, its_side in ((trade["taker"], side), (trade["maker"], -side)):
                if order > 0:
                    self.background_profit += self.background.trade(
                        its_side, ticks, lots, TICK_VALUE
                    )
        return reports, trades

    def arrive(self, side, ticks, lots, kind=Kind.NEW, tif=TimeInForce.GTC):
        """Let a background order arrive; return the trades."""
        self.background_id += 1
        row = (kind, side, tif, self.background_id, 0, ticks, lots)
        return self.process(np.array([row], MESSAGE))[1]

    def fill(self, levels=20, lots=10):
        """Rest background orders on both sides of the mark."""
        for level in range(1, levels + 1):
            self.arrive(BUY, self.mark - level, lots)
            self.arrive(SELL, self.mark + level, lots)
        return self


class Store:
    """Orders, positions, balances and tails as the rows of the desk leave them."""

    def __init__(self):
        self.accounts = {}  # id -> (balance at the start, fees)
        self.orders = {}
        self.positions = {}
        self.leverages = {}
        self.ledger = []
        self.events, self.executions = {}, {}
        self.seqs = {kind.name: {} for kind in (ORDER_EVENTS, EXECUTIONS, FUNDING)}
        self.rows = []

    def apply(self, deliveries):
        for kind, rows in deliveries:
            tails = self.seqs[kind.name]
            instrument = int(rows["instrument"][0])
            first = tails.get(instrument, 0) + 1
            assert rows["seq"].tolist() == list(range(first, first + len(rows)))
            tails[instrument] = int(rows["seq"][-1])
            self.rows += [(kind.name, *row) for row in rows.tolist()]
            if kind is not ORDER_EVENTS:
                derive = entries_of_executions if kind is EXECUTIONS else entries_of_funding
                self.ledger += derive(rows).tolist()
        for kind, apply in ((ORDER_EVENTS, self.apply_event), (EXECUTIONS, self.apply_execution)):
            rows = [row for each, rows in deliveries if each is kind for row in rows]
            for row in sorted(rows, key=lambda row: (row["account"], row["number"])):
                apply(row)

    def apply_event(self, row):
        account, number, order_id = (int(row[name]) for name in ("account", "number", "order"))
        assert number == self.events.get(account, 0) + 1
        self.events[account] = number
        if row["cause"] == Cause.LEVERAGE_SET:
            self.leverages[account, int(row["instrument"])] = int(row["lots"])
        if order_id > 0:
            order = self.orders[order_id]
            order.state = State(int(row["state"]))
            for name in ("ticks", "trigger_ticks", "lots", "filled"):
                setattr(order, name, int(row[name]))

    def apply_execution(self, row):
        account = int(row["account"])
        assert row["number"] == self.executions.get(account, 0) + 1
        self.executions[account] = int(row["number"])
        position = self.positions.setdefault((account, int(row["instrument"])), Position())
        signed = int(row["side"] * row["lots"])
        position.lots += signed
        position.cost += signed * int(row["ticks"]) * TICK_VALUE + int(row["realised"])

    def balance(self, account):
        """Return the sum of the ledger."""
        return sum(amount for who, *_, amount, _ in self.ledger if who == account)

    def load(self):
        """Return the accounts as a database would."""
        loaded = {}
        for key, (balance, fees) in self.accounts.items():
            loaded[key] = Account(
                id=key,
                balance=balance + self.balance(key),
                fees=fees,
                events=self.events.get(key, 0),
                executions=self.executions.get(key, 0),
            )
        for (key, instrument), position in self.positions.items():
            loaded[key].holding(instrument).position = replace(position)
        for (key, instrument), leverage in self.leverages.items():
            loaded[key].holding(instrument).leverage = leverage
        for order in self.orders.values():
            if order.state in (State.NEW, State.PARTIALLY_FILLED, State.UNTRIGGERED):
                loaded[order.account].holding(order.instrument).keep(replace(order))
        return list(loaded.values())

    def tails(self):
        liquidations = {row[6] for row in self.rows if row[0] == "order_events" and row[6] < 0}
        return Tails(
            order_events=dict(self.seqs["order_events"]),
            executions=dict(self.seqs["executions"]),
            funding=dict(self.seqs["funding"]),
            liquidations=len(liquidations),
        )


class Session:
    """A desk with venues and a store; every call returns the rows that it brought."""

    def __init__(self, venues=None, balances=(10_000,), fees=LAB):
        self.venues = {venue.instrument_id: venue for venue in venues or [Venue().fill()]}
        self.store = Store()
        self.store.accounts = {
            key: (balance * DOLLAR, fees) for key, balance in enumerate(balances, 1)
        }
        self.command_id = self.order_id = 0
        self.open_desk()

    def open_desk(self):
        """Load the desk from the store, as after a restart."""
        contracts = [
            Contract(instrument=venue.instrument_id, tick_value=TICK_VALUE, mark=venue.mark)
            for venue in self.venues.values()
        ]
        self.desk = Desk(contracts, self.store.load(), self.store.tails())
        for venue in self.venues.values():
            self.desk.attach(venue)

    def collect(self):
        """Store what the desk recorded; return its rows by kind."""
        deliveries = self.desk.take_records()
        self.store.apply(deliveries)
        found = {"order_events": [], "executions": [], "funding": []}
        for kind, rows in deliveries:
            names = kind.dtype.names
            found[kind.name] += [dict(zip(names, row, strict=True)) for row in rows.tolist()]
        return found

    def command(self, kind, account=1, **fields):
        """Execute a command; return its answer and all rows."""
        self.command_id += 1
        if kind is CommandKind.PLACE:
            self.store.orders[fields["placed"].id] = replace(fields["placed"])
        self.desk.handle(Command(id=self.command_id, account=account, kind=kind, **fields))
        rows = self.collect()
        answers = [row for row in rows["order_events"] if row["command"] == self.command_id]
        assert answers, f"command {self.command_id} has no answer"
        return answers[-1], rows

    def order(self, side, lots, ticks=0, account=1, instrument=1, **fields):
        self.order_id += 1
        fields.setdefault("type", OrderType.LIMIT if ticks else OrderType.MARKET)
        return Order(
            id=self.order_id,
            account=account,
            instrument=instrument,
            side=side,
            lots=lots,
            ticks=ticks,
            **fields,
        )

    def place(self, side, lots, ticks=0, account=1, **fields):
        """Place an order, a market order without a price; return its last event."""
        order = self.order(side, lots, ticks, account, **fields)
        return self.command(CommandKind.PLACE, account, placed=order)[0]

    def trade(self, side, lots, ticks=0, instrument=1):
        """Let a background order take what rests, up to a price if there is one."""
        venue = self.venues[instrument]
        kind = Kind.NEW if ticks else Kind.MARKET
        self.desk.on_trades(instrument, venue.arrive(side, ticks, lots, kind, TimeInForce.IOC))
        return self.collect()

    def quote(self, side, lots, ticks, instrument=1):
        """Let a background limit order arrive; return the rows."""
        self.desk.on_trades(instrument, self.venues[instrument].arrive(side, ticks, lots))
        return self.collect()

    def move(self, mark, instrument=1, us=1_000_000):
        """End a slot at a new mark; return the rows."""
        venue = self.venues[instrument]
        venue.at += us
        venue.mark, venue.marked_at = mark, venue.at
        self.desk.on_mark(instrument, mark, venue.at)
        return self.collect()

    def account(self, key=1):
        return self.desk.accounts[key]

    def position(self, account=1, instrument=1):
        return self.account(account).holding(instrument).position.lots

    def open_orders(self, account=1, instrument=1):
        return self.account(account).holding(instrument).orders()
