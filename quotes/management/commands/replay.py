import signal
import threading
import time
from typing import Any

from django.core.management.base import CommandParser

from instruments.models import Instrument
from live.broadcast import Broadcaster, LoopThread
from quotes.management.base import QuietCommand, UsageError, chosen_instruments, moment, positive
from quotes.replaying import Part, Replay, ReplayRefusedError, prepare

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Command(QuietCommand):
    help = (
        "Play the stored history of an instrument into another, live. Times stay as they were, "
        "the pace is theirs / SPEED; the same command again goes on where it stopped."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("symbol", metavar="SYMBOL", help="whose history to play")
        parser.add_argument(
            "--as",
            required=True,
            dest="target",
            metavar="NEW",
            help="instrument that it becomes; made, with the same tick size, if it is new",
        )
        parser.add_argument(
            "--from", type=moment, dest="start", metavar="T", help="from this time on"
        )
        parser.add_argument("--to", type=moment, dest="end", metavar="T", help="before this time")
        parser.add_argument(
            "--speed",
            type=positive,
            default=1.0,
            metavar="F",
            help="original seconds per second (default 1)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        instruments = chosen_instruments([options["symbol"]])
        if len(instruments) != 1:
            raise UsageError(f"replay plays one instrument, {options['symbol']!r} is not one")
        part = Part(instruments[0], options["start"], options["end"])
        if part.start and part.end and part.start >= part.end:
            raise UsageError(f"--from {part.start.isoformat()} is not before --to")
        try:
            target, count = prepare(part, options["target"])
        except ReplayRefusedError as error:
            raise UsageError(str(error)) from error
        started = time.monotonic()
        recorded = self.play(part, target, count, options["speed"])
        report = {
            "symbol": target.symbol,
            "source": part.source.symbol,
            "recorded": recorded,
            "remaining": count - recorded,
            "seconds": round(time.monotonic() - started, 3),
        }
        self.finish(
            report,
            f"{recorded:,} ticks of {part.source.symbol} replayed into {target.symbol}, "
            f"{count - recorded:,} remain",
        )

    def play(self, part: Part, target: Instrument, count: int, speed: float) -> int:
        """Play until the end or until a signal comes; return the number of ticks recorded."""
        stop = threading.Event()
        before = {name: signal.signal(name, lambda *_: stop.set()) for name in SIGNALS}
        broadcast = LoopThread()
        broadcast.start()
        try:
            replay = Replay(part, target, speed, Broadcaster([target], broadcast.loop))
            with self.progress(count, f"Replaying {part.source.symbol}") as advance:
                return replay.run(stop, advance)
        finally:
            broadcast.stop()
            for name, handler in before.items():
                signal.signal(name, handler)
