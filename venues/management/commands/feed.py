import re
import signal
import threading
import time
from collections.abc import Sequence
from typing import Any

from django.core.management.base import CommandError, CommandParser

from live.broadcast import Broadcaster, LoopThread
from quotes.management.base import QuietCommand, UsageError, positive
from venues import adapters
from venues.feeds.events import FeedError, OpenFeed, UnavailableError
from venues.feeds.recording import Found, Recording, find, target

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Command(QuietCommand):
    help = (
        "Record trades, candles and the order book of another venue, live, until Ctrl-C. Repeat "
        "the command to continue: see docs/bybit.md."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("venue", metavar="VENUE", help=f"one of {adapters.FORMS}")
        parser.add_argument(
            "symbols", nargs="+", metavar="SYMBOL", help="instruments, as the venue names them"
        )
        parser.add_argument(
            "--as",
            dest="target",
            metavar="NEW",
            help="instrument to record into, created if necessary (default: SYMBOL.VENUE)",
        )
        parser.add_argument(
            "--url", metavar="URL", help="address of the venue, e.g. http://127.0.0.1:8000/bybit"
        )
        parser.add_argument(
            "--depth",
            type=int,
            default=200,
            metavar="N",
            help="levels of the book on each side (default: %(default)s)",
        )
        parser.add_argument(
            "--duration", type=positive, metavar="SECONDS", help="stop after this time"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        symbols = list(dict.fromkeys(options["symbols"]))
        if options["target"] and len(symbols) > 1:
            raise UsageError(f"--as names one instrument, but there are {len(symbols)} symbols")
        depth = options["depth"]
        is_own = not options["venue"].startswith(adapters.CCXT)
        if depth not in adapters.DEPTHS if is_own else not 1 <= depth <= max(adapters.DEPTHS):
            own = f"one of {', '.join(map(str, adapters.DEPTHS))}"
            raise UsageError(
                f"--depth {depth}: use {own if is_own else f'1 to {max(adapters.DEPTHS)}'}"
            )
        try:
            open_feed = adapters.feed_of(options["venue"], options["url"])
            found = find(open_feed, symbols)
            recording = self.prepare(open_feed, found, options)
            self.record(recording, options["duration"])
        except (FeedError, UnavailableError) as error:
            raise CommandError(str(error)) from error
        self.report(recording)

    def prepare(self, open_feed: OpenFeed, found: Sequence[Found], options: Any) -> Recording:
        venue = options["venue"]
        named = [options["target"] or default_name(each.contract.symbol, venue) for each in found]
        targets = [
            (target(each, name, venue), each.contract)
            for each, name in zip(found, named, strict=True)
        ]
        for instrument, contract in targets:
            self.stderr.write(f"recording {contract.symbol} of {venue} into {instrument.symbol}")
        self.broadcast = LoopThread()
        broadcaster = Broadcaster([instrument for instrument, _ in targets], self.broadcast.loop)
        return Recording(open_feed, targets, options["depth"], broadcaster)

    def record(self, recording: Recording, duration_s: float | None) -> None:
        """Record until a signal, an error, or for some time."""
        stop = threading.Event()
        before = {name: signal.signal(name, lambda *_: stop.set()) for name in SIGNALS}
        until = None if duration_s is None else time.monotonic() + duration_s
        self.broadcast.start()
        try:
            with self.progress(None, "Recording trades") as advance:
                shown = 0

                def is_stopping() -> bool:
                    nonlocal shown
                    trades = sum(each.follower.counts.trades for each in recording.sources)
                    advance(trades - shown)
                    shown = trades
                    return stop.is_set() or (until is not None and time.monotonic() > until)

                recording.run(is_stopping)
        finally:
            self.broadcast.stop()
            for name, handler in before.items():
                signal.signal(name, handler)

    def report(self, recording: Recording) -> None:
        counts = {each.contract.symbol: vars(each.follower.counts) for each in recording.sources}
        lines = [
            f"{symbol}: {each['trades']:,} trades, {each['blocks']:,} changes of the book, "
            f"{each['candles']:,} candles, {each['gaps']:,} gaps"
            for symbol, each in counts.items()
        ]
        self.finish(counts, "\n".join(lines))


def default_name(symbol: str, venue: str) -> str:
    """Return the symbol under which an instrument of a venue is recorded, e.g. BTCUSDT.BYBIT."""
    return re.sub(r"[^A-Z0-9.]+", "-", f"{symbol}.{venue}".upper())[:32]
