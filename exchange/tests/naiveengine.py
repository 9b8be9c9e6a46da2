"""A slow, obvious matching engine to compare with: one list of orders in order of arrival."""

from dataclasses import dataclass

from exchange.engine.messages import (
    BUY,
    SELL,
    Kind,
    Outcome,
    Reason,
    SelfTradePrevention,
    TimeInForce,
)


@dataclass
class Order:
    id: int
    owner: int
    side: int
    ticks: int
    lots: int


class NaiveEngine:
    def __init__(self, capacity=1 << 20, prevention=SelfTradePrevention.CANCEL_NEWEST):
        self.capacity = capacity
        self.prevention = prevention
        self.orders = []  # those that rest, in order of arrival at their prices
        self.reports = []

    def process(self, messages):
        """Execute rows of MESSAGE; return tuples of the fields of REPORT."""
        self.reports = []
        for index, message in enumerate(messages):
            self.index = index
            self.execute(*message.item())
        return self.reports

    def report(self, outcome, order, maker=0, ticks=None, lots=None, reason=Reason.NONE):
        ticks = order.ticks if ticks is None else ticks
        lots = order.lots if lots is None else lots
        self.reports.append((outcome, self.index, order.id, maker, order.side, ticks, lots, reason))

    def execute(self, kind, side, tif, order_id, owner, ticks, lots):
        order = Order(order_id, owner, side, ticks, lots)
        resting = next((each for each in self.orders if each.id == order_id), None)
        reason = self.refusal(kind, tif, order, resting)
        if reason:
            self.report(Outcome.REJECTED, order, reason=reason)
        elif kind == Kind.CANCEL:
            self.orders.remove(resting)
            self.report(Outcome.CANCELLED, resting)
        elif kind == Kind.REDUCE:
            resting.lots = lots
            self.report(Outcome.REPLACED, resting)
        elif kind == Kind.REPLACE:
            self.orders.remove(resting)
            order.side, order.owner = resting.side, resting.owner
            self.match(order)
            if order.lots == 0 or order in self.orders:
                self.report(Outcome.REPLACED, order)
        else:
            self.report(Outcome.ACCEPTED, order)
            rests = kind == Kind.NEW and tif in (TimeInForce.GTC, TimeInForce.POST_ONLY)
            self.match(order, rests=rests, at_any_price=kind == Kind.MARKET)

    def refusal(self, kind, tif, order, resting):
        if kind not in list(Kind):
            return Reason.UNKNOWN_KIND
        if kind in (Kind.NEW, Kind.MARKET):
            if order.side not in (BUY, SELL):
                return Reason.UNKNOWN_SIDE
            if resting:
                return Reason.DUPLICATE_ID
        elif not resting:
            return Reason.NOT_RESTING
        if kind != Kind.CANCEL and not 1 <= order.lots <= 2**40:
            return Reason.LOTS_OUT_OF_RANGE
        if kind == Kind.REDUCE and order.lots >= resting.lots:
            return Reason.NOT_SMALLER
        if kind in (Kind.NEW, Kind.REPLACE) and not 1 <= order.ticks < 2**62:
            return Reason.TICKS_OUT_OF_RANGE
        return self.refusal_of_terms(tif, order) if kind == Kind.NEW else Reason.NONE

    def refusal_of_terms(self, tif, order):
        if tif not in list(TimeInForce):
            return Reason.UNKNOWN_TIF
        makers = self.makers(order)
        if tif == TimeInForce.FOK and self.fillable(order, makers) < order.lots:
            return Reason.NOT_FILLABLE
        if tif == TimeInForce.POST_ONLY and makers:
            return Reason.WOULD_TAKE
        if tif in (TimeInForce.GTC, TimeInForce.POST_ONLY) and len(self.orders) >= self.capacity:
            return Reason.BOOK_FULL
        return Reason.NONE

    def makers(self, order, at_any_price=False):
        """Return the orders that it can trade with, first in line first."""
        others = [each for each in self.orders if each.side == -order.side]
        if not at_any_price:
            others = [each for each in others if order.side * (order.ticks - each.ticks) >= 0]
        return sorted(others, key=lambda each: order.side * each.ticks)

    def is_own(self, order, maker):
        return order.owner != 0 and order.owner == maker.owner

    def fillable(self, order, makers):
        lots = 0
        for maker in makers:
            if not self.is_own(order, maker):
                lots += maker.lots
            elif self.prevention != SelfTradePrevention.CANCEL_OLDEST:
                break
        return lots

    def match(self, order, rests=True, at_any_price=False):
        reason = Reason.NOT_FILLED
        for maker in self.makers(order, at_any_price):
            if order.lots == 0:
                break
            if not self.is_own(order, maker):
                self.trade(order, maker)
                continue
            if self.prevention != SelfTradePrevention.CANCEL_NEWEST:
                self.orders.remove(maker)
                self.report(Outcome.CANCELLED, maker, reason=Reason.SELF_TRADE)
            if self.prevention != SelfTradePrevention.CANCEL_OLDEST:
                rests, reason = False, Reason.SELF_TRADE
                break
        if order.lots and rests:
            self.orders.append(order)
        elif order.lots:
            self.report(Outcome.CANCELLED, order, reason=reason)

    def trade(self, order, maker):
        lots = min(order.lots, maker.lots)
        self.report(Outcome.FILLED, order, maker.id, maker.ticks, lots)
        order.lots -= lots
        maker.lots -= lots
        if maker.lots == 0:
            self.orders.remove(maker)

    def best(self, side):
        prices = [order.ticks for order in self.orders if order.side == side]
        return max(prices, key=lambda ticks: side * ticks, default=None)

    def levels(self, side, n):
        """Return tuples of ticks, lots and orders."""
        sizes = {}
        for order in self.orders:
            if order.side == side:
                sizes.setdefault(order.ticks, []).append(order.lots)
        prices = sorted(sizes, reverse=side == BUY)
        return [(ticks, sum(sizes[ticks]), len(sizes[ticks])) for ticks in prices[:n]]
