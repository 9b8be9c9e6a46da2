import signal
import threading
import time
from typing import Any

from django.core.management.base import CommandParser

from instruments.models import Instrument
from live.broadcast import Broadcaster, LoopThread
from quotes.management.base import QuietCommand, UsageError, chosen_instruments, moment, positive
from quotes.replaying import Replay, ReplayRange, ReplayRefusedError, prepare

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Command(QuietCommand):
    help = (
        "Replay the stored history of an instrument live, as another instrument. Ticks keep their "
        "times; the pace is the original one times --speed. Repeat the command to resume."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("symbol", metavar="SYMBOL", help="instrument to replay")
        parser.add_argument(
            "--as",
            required=True,
            dest="target",
            metavar="NEW",
            help="instrument to replay into; created with the same tick size if it does not exist",
        )
        parser.add_argument(
            "--from", type=moment, dest="start", metavar="T", help="start at this time"
        )
        parser.add_argument(
            "--to", type=moment, dest="end", metavar="T", help="end before this time"
        )
        parser.add_argument(
            "--speed",
            type=positive,
            default=1.0,
            metavar="F",
            help="original seconds per second (default: 1)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        instruments = chosen_instruments([options["symbol"]])
        if len(instruments) != 1:
            raise UsageError(f"{options['symbol']!r} is not one instrument: name a single symbol")
        span = ReplayRange(instruments[0], options["start"], options["end"])
        if span.start and span.end and span.start >= span.end:
            raise UsageError(f"--from {span.start.isoformat()} is not before --to")
        try:
            target, count = prepare(span, options["target"])
        except ReplayRefusedError as error:
            raise UsageError(str(error)) from error
        started = time.monotonic()
        recorded = self.play(span, target, count, options["speed"])
        report = {
            "symbol": target.symbol,
            "source": span.source.symbol,
            "recorded": recorded,
            "remaining": count - recorded,
            "seconds": round(time.monotonic() - started, 3),
        }
        self.finish(
            report,
            f"{recorded:,} ticks of {span.source.symbol} replayed into {target.symbol}, "
            f"{count - recorded:,} remain",
        )

    def play(self, span: ReplayRange, target: Instrument, count: int, speed: float) -> int:
        """Play until the end or a signal; return the number of ticks recorded."""
        stop = threading.Event()
        before = {name: signal.signal(name, lambda *_: stop.set()) for name in SIGNALS}
        broadcast = LoopThread()
        broadcast.start()
        try:
            replay = Replay(span, target, speed, Broadcaster([target], broadcast.loop))
            with self.progress(count, f"Replaying {span.source.symbol}") as advance:
                return replay.run(stop, advance)
        finally:
            broadcast.stop()
            for name, handler in before.items():
                signal.signal(name, handler)
