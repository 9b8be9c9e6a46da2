import contextlib
import os
import signal
import socket
import threading
from argparse import ArgumentTypeError
from collections.abc import Iterator, Sequence
from typing import Any

import prometheus_client
from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from instruments.models import Instrument
from live.broadcast import LoopThread
from market.integers import parse_integer
from market.timeframes import MICROSECONDS
from market.times import to_microseconds
from quotes.extensions import extensions
from quotes.lawruns import RunOptions, instruments_to_drive
from quotes.livemarket import LiveMarket, Plan, Summary
from quotes.management.base import (
    QuietCommand,
    UsageError,
    add_instruments,
    duration_s,
    moment,
    positive,
    seed,
)

DEFAULT_ADDRESS = "127.0.0.1:8000"
METRICS_ADDRESS = "127.0.0.1:9464"
MOST_SHARDS = 10_000


class Command(QuietCommand):
    help = "Run the live market: simulate, record and publish, with one thread per instrument."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--serve",
            nargs="?",
            const=DEFAULT_ADDRESS,
            metavar="ADDR:PORT",
            help=f"also serve pages, API and stream from this process (default: {DEFAULT_ADDRESS})",
        )
        parser.add_argument(
            "--metrics",
            nargs="?",
            const=METRICS_ADDRESS,
            metavar="ADDR:PORT",
            help=f"serve only /metrics of this process (default: {METRICS_ADDRESS})",
        )
        add_instruments(parser)
        parser.add_argument(
            "--interval",
            type=positive,
            metavar="SECONDS",
            help="simulated seconds between ticks (default: that of the history, else 1)",
        )
        parser.add_argument(
            "--speed",
            type=positive,
            default=1.0,
            metavar="FACTOR",
            help="simulated seconds per second (default: 1)",
        )
        parser.add_argument(
            "--seed",
            type=seed,
            metavar="N",
            help="seed of a new history (default: that of the history, else drawn and stored)",
        )
        parser.add_argument(
            "--backfill",
            type=duration_s,
            metavar="12h",
            help="first generate the missing history of this long before now",
        )
        parser.add_argument(
            "--start",
            type=moment,
            metavar="TIME",
            help="start of the simulated clock of an empty history (default: now; with --seed "
            "2026-01-01T00:00:00Z, so that the same seed gives the same rows)",
        )
        parser.add_argument(
            "--duration", type=positive, metavar="SECONDS", help="stop after this time"
        )
        parser.add_argument(
            "--shard", type=shard, metavar="I/N", help="drive only shard I (from 1) of N"
        )
        for extension in extensions():
            extension.add_options(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        instruments = instruments_to_drive(options["instruments"])
        if options["shard"]:
            index, shards = options["shard"]
            instruments = of_shard(instruments, index, shards)
            if not instruments:
                raise CommandError(f"shard {index}/{shards} has no instrument: use fewer shards")
        interval = options["interval"]
        plan = Plan(
            instruments=instruments,
            run_options=RunOptions(
                options["seed"], round(interval * MICROSECONDS) if interval else None
            ),
            speed=options["speed"],
            backfill_s=options["backfill"],
            duration_s=options["duration"],
            opens_at=to_microseconds(options["start"]) if options["start"] else None,
            options=options,
        )
        with metrics_served(options["metrics"]):
            address = options["serve"]
            summary = self.serve(plan, address) if address else self.simulate(plan)
        self.finish(
            summary.as_json(),
            f"{summary.recorded:,} ticks of {summary.instruments} instruments recorded live, "
            f"{summary.backfilled:,} back-filled, {summary.late_slots:,} slots late",
        )

    def simulate(self, plan: Plan) -> Summary:
        """Run without a web server, until the plan ends or a signal arrives."""
        stopping = threading.Event()
        for name in (signal.SIGINT, signal.SIGTERM):
            signal.signal(name, lambda *_: stopping.set())
        broadcast = LoopThread()
        broadcast.start()
        try:
            with self.progress(None, "Back-filling") as advance:
                return LiveMarket(plan, broadcast.loop).run(stopping.is_set, advance)
        finally:
            broadcast.stop()

    def serve(self, plan: Plan, address: str) -> Summary:
        """Run with a web server in the main thread and the market in its own thread."""
        host, port = free_address(address)
        connect_gateway_to(host, port)
        from live.webserver import WebServer

        signal.signal(
            signal.SIGINT, signal.default_int_handler
        )  # shells ignore SIGINT for jobs started with "&"
        server = WebServer(host, port)
        market = MarketThread(LiveMarket(plan, server.loop), server.stop)
        self.stderr.write(f"PyTrade is at http://{host}:{port} (Ctrl-C stops it)")
        server.run(market.start)
        market.stopping.set()
        market.join()
        server.close()
        if market.error is not None:
            raise market.error
        return market.summary


def connect_gateway_to(host: str, port: int) -> None:
    """Let the gateway use the Deribit door at this address, unless DERIBIT_URL names a venue."""
    if "DERIBIT_URL" not in os.environ:
        settings.DERIBIT_URL = f"ws://{host}:{port}/deribit/ws/api/v2"


class MarketThread(threading.Thread):
    """Runs the market beside the web server and stops the server when the market ends."""

    def __init__(self, market: LiveMarket, on_end: Any) -> None:
        super().__init__(name="market")
        self.stopping = threading.Event()
        self.error: Exception | None = None
        self.summary = market.summary
        self._market = market
        self._on_end = on_end

    def run(self) -> None:
        try:
            self._market.run(self.stopping.is_set)
        except Exception as error:  # serve() raises it again
            self.error = error
        finally:
            self._on_end()


@contextlib.contextmanager
def metrics_served(address: str | None) -> Iterator[None]:
    """Serve the metrics of this process at `address` from a thread, unless it is None."""
    if address is None:
        yield
        return
    host, port = free_address(address)
    server, thread = prometheus_client.start_http_server(port, host)
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def shard(text: str) -> tuple[int, int]:
    """Parse a shard I/N."""
    index, _, shards = text.partition("/")
    try:
        total = parse_integer(shards, 1, MOST_SHARDS)
        return parse_integer(index, 1, total), total
    except ValueError:
        raise ArgumentTypeError(
            f"{text!r} is not a shard: use I/N with 1 <= I <= N, e.g. 1/4"
        ) from None


def of_shard(instruments: Sequence[Instrument], index: int, shards: int) -> list[Instrument]:
    """Return the instruments of shard `index` (from 1): those with a book all belong to shard 1."""
    with_book = [instrument for instrument in instruments if instrument.has_book]
    others = [instrument for instrument in instruments if not instrument.has_book]
    return others[index - 1 :: shards] + (with_book if index == 1 else [])


def free_address(address: str) -> tuple[str, int]:
    """Parse ADDR:PORT or PORT; raise CommandError if the port is in use."""
    host, _, port_text = address.rpartition(":")
    try:
        host, port = host or "127.0.0.1", parse_integer(port_text, 1, 65_535)
    except ValueError:
        raise UsageError(
            f"{address!r} is not an address: use ADDR:PORT, e.g. {DEFAULT_ADDRESS}"
        ) from None
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise CommandError(f"cannot listen on {host}:{port}: {error.strerror}") from error
    return host, port
