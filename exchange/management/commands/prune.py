from typing import Any

from exchange.retention import prune_all
from quotes.management.base import QuietCommand


class Command(QuietCommand):
    help = "Remove the records that are older than EXCHANGE_KEEP_BOOK_S and EXCHANGE_KEEP_TRADES_S."

    def handle(self, *args: Any, **options: Any) -> None:
        removed = prune_all()
        shown = [f"{count:,} {name}" for name, count in removed.items() if count]
        text = f"removed {' and '.join(shown) or 'nothing'}"
        self.finish({"removed": dict(removed)}, text)
