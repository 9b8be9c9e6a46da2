"""Simulated markets that are recorded, for tests."""

from dataclasses import replace
from decimal import Decimal

from exchange.depth.depthbook import DepthBook
from exchange.flow.advances import Advance
from exchange.flow.market import BookMarket
from exchange.flow.options import MarketOptions
from exchange.flow.tests.markets import OPENED_AT, SECOND, law_of
from exchange.running.bookrun import BookRun, Ends
from instruments.models import Instrument
from journal.journal import Journal
from market.times import from_microseconds
from quotes.law.walker import Start
from quotes.models import Run

PRICE = 20_000
LATER = 2**62


class RecordedMarket:
    """An instrument with a run of the law, whose book is recorded as it advances."""

    def __init__(self, symbol: str = "ES", seed: int = 1, **options) -> None:
        self.instrument = Instrument.objects.create(
            symbol=symbol, name=symbol, tick_size=Decimal("0.25"), has_book=True
        )
        law = replace(law_of(seed, price=PRICE), instrument=self.instrument.pk)
        Run.objects.create(
            instrument=self.instrument,
            first_seq=1,
            seed=seed,
            interval_us=SECOND,
            started_at=from_microseconds(OPENED_AT),
            start_ticks=PRICE,
            start_direction=1,
            regime_mean_s=law.regimes.mean_s,
            regime_floor_s=law.regimes.floor_s,
        )
        self.market = BookMarket.open(Start(law, 1, law.start), MarketOptions(**options))
        self.run = BookRun(self.instrument.pk, self.market, Ends(), DepthBook())
        self.run.owns_quotes = True

    def record(self, slots: int) -> Advance:
        """Record the next slots, and a part of the one after them; return what happened."""
        made = self.run.advance(LATER, slots)
        self.run.advance(self.market.at + SECOND // 2)
        self.store()
        return made

    def store(self) -> None:
        with Journal([self.instrument]) as journal:
            journal.append(self.run.take())
