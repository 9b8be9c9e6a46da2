"""The instruments of a new market, in the order in which pages list them."""

from decimal import Decimal
from typing import Final, NamedTuple


class Entry(NamedTuple):
    """The fields of one `Instrument`."""

    symbol: str
    name: str
    tick_size: Decimal
    opening_ticks: int
    currency: str = "USD"
    lot_size: Decimal = Decimal(1)
    has_book: bool = False


CATALOGUE: Final = (
    Entry("ES", "E-mini S&P 500", Decimal("0.25"), 20_000, has_book=True),
    Entry("NQ", "E-mini Nasdaq-100", Decimal("0.25"), 72_000),
    Entry("YM", "E-mini Dow", Decimal("1"), 39_000),
    Entry("FDAX", "DAX futures", Decimal("0.5"), 36_000, "EUR"),
    Entry("CL", "Crude oil WTI", Decimal("0.01"), 7_500),
    Entry("GC", "Gold", Decimal("0.1"), 23_500),
    Entry("SI", "Silver", Decimal("0.005"), 5_600),
    Entry("ZN", "10-year T-note", Decimal("0.015625"), 7_040),
    Entry("6E", "Euro FX futures", Decimal("0.00005"), 21_700),
    Entry("EURUSD", "Euro / US dollar", Decimal("0.00001"), 108_500, has_book=True),
    Entry("USDJPY", "US dollar / Japanese yen", Decimal("0.001"), 150_000, "JPY"),
    Entry("BTC-PERPETUAL", "Bitcoin perpetual", Decimal("0.5"), 130_000, has_book=True),
    Entry("BTCUSDT", "Bitcoin / Tether", Decimal("0.1"), 650_000, "USDT", Decimal("0.001"), True),
    Entry("ETHUSDT", "Ether / Tether", Decimal("0.01"), 340_000, "USDT", Decimal("0.01"), True),
    Entry("SOLUSDT", "Solana / Tether", Decimal("0.01"), 15_000, "USDT", Decimal("0.1"), True),
)
