"""Metrics of the exchange; docs/operations.md lists them."""

from prometheus_client import Counter, Gauge, Histogram

from journal.metrics import LATENCIES

PASS_SECONDS = Histogram(
    "pytrade_exchange_pass_seconds", "Work of one pass over all live books.", buckets=LATENCIES
)
SLOTS_BEHIND = Gauge("pytrade_exchange_slots_behind", "Slots that books are behind their quotes.")
LIVE_BOOKS = Gauge("pytrade_exchange_live_books", "Books that are level with their quotes.")
SLOTS = Counter("pytrade_exchange_slots", "Slots that books completed.")
TRADES = Counter("pytrade_exchange_trades", "Trades of all books.")
UPDATES = Counter("pytrade_exchange_book_updates", "Changes of price levels of all books.")
COMMANDS = Counter("pytrade_exchange_commands", "Commands of accounts that were answered.")
