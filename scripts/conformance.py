"""Run unmodified clients of a venue against its door in processes of its own; print a matrix.

    python -m scripts.conformance [bybit|deribit] [--without-harness]

Exit code 1 if anything fails that is not named as an exception, with its reason.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from rig import venues as rigged
from rig.conformance import bybitrecorded, ccxtchecks, ccxtderibit, harness
from rig.conformance.harness import Exchange
from rig.conformance.matrix import Matrix
from rig.conformance.pybitchecks import PybitRest, PybitStreams, tls_checks
from rig.conformance.typedderibit import TypedDeribit, TypedStreams
from rig.venues import Venue
from venues.doors.certificates import make_files


@dataclass(frozen=True)
class Subject:
    """A door: its clients, and what ccxt's harness needs to test it."""

    clients: Callable[[Matrix, Venue], Iterable[str]]
    """Fills the matrix; returns what to print below it."""
    harnessed: Exchange
    act: Callable[[Venue], Callable[[], Any]]
    """Returns what trades with the account while the harness waits for private messages."""


def over_tls(matrix: Matrix, venue: Venue) -> None:
    """Try pybit over TLS, pointed here by its constructors alone."""
    with tempfile.TemporaryDirectory() as folder:
        files = make_files(Path(folder) / "tls", ["127.0.0.1"])
        options = ("--tls", str(files.certificate), str(files.key))
        door = rigged.door(venue.env, *options, accounts=["tls"], authority=files.authority)
        with door as secured:
            matrix.run("pybit, TLS", tls_checks(secured, files.authority))


def of_bybit(matrix: Matrix, venue: Venue) -> Iterable[str]:
    """Try pybit, ccxt and ccxt.pro, and what ccxt's test data recorded of Bybit."""
    over_tls(matrix, venue)
    rest = PybitRest(venue)
    matrix.run("pybit", rest.checks())
    streams = PybitStreams(venue, rest)
    matrix.run("pybit", streams.checks())
    streams.close()
    exchange = ccxtchecks.CcxtRest(venue)
    matrix.run("ccxt", exchange.checks())
    matrix.run("ccxt", ccxtchecks.CcxtStreams(venue, exchange).checks())
    recorded = bybitrecorded.RecordedBybit(venue)
    matrix.run("ccxt", recorded.checks())
    return recorded.findings.lines()


def of_deribit(matrix: Matrix, venue: Venue) -> Iterable[str]:
    """Try ccxt, ccxt.pro and typed-deribit, which validates what it gets."""
    exchange = ccxtderibit.CcxtRest(venue)
    matrix.run("ccxt", exchange.checks())
    matrix.run("ccxt", ccxtderibit.CcxtStreams(venue, exchange).checks())
    rest = TypedDeribit(venue, "http")
    matrix.run("typed-deribit", rest.checks())
    matrix.run("typed-deribit", TypedStreams(venue, rest).checks())
    matrix.run("typed-deribit, WebSocket", TypedDeribit(venue, "ws").checks())
    return ()


ACCOUNTS = ("bot", harness.TRADER, bybitrecorded.ACCOUNT)
SUBJECTS = {
    "bybit": Subject(of_bybit, ccxtchecks.HARNESSED, lambda venue: PybitRest(venue).buy),
    "deribit": Subject(
        of_deribit, ccxtderibit.HARNESSED, lambda venue: ccxtderibit.CcxtRest(venue).buy
    ),
}


def main() -> int:
    parser = argparse.ArgumentParser(description="Unmodified clients of a venue against its door.")
    parser.add_argument("venue", nargs="?", choices=list(SUBJECTS), default="bybit")
    parser.add_argument("--without-harness", action="store_true", help="leave out ccxt's own tests")
    options = parser.parse_args()
    subject = SUBJECTS[options.venue]
    with (
        tempfile.TemporaryDirectory() as folder,
        rigged.market() as env,
        rigged.door(env, name=options.venue, accounts=ACCOUNTS) as venue,
    ):
        rigged.wait_for_trades(venue)
        matrix = Matrix()
        below = subject.clients(matrix, venue)
        print(matrix.table(), *below, sep="\n", flush=True)
        failures = matrix.failures
        if not options.without_harness:
            failures += harnessed(subject, venue, Path(folder))
    for failure in failures:
        print(f"FAILED {failure}", file=sys.stderr)
    return 1 if failures else 0


def harnessed(subject: Subject, venue: Venue, folder: Path) -> list[str]:
    """Run ccxt's own tests; print what they tested and left out; return what failed."""
    failures = []
    exchange = subject.harnessed
    lanes = {
        lane: partial(harness.run, exchange, venue, folder, lane, subject.act(venue))
        for lane in harness.LANES
    }
    if exchange.has_trading:
        lanes[harness.TRADING] = partial(harness.run_trading, exchange, venue, folder)
    for lane, run in lanes.items():
        found = run()
        passed = f"passed {len(found.passed)}: {', '.join(found.passed)}"
        print(f"\nccxt's harness, {lane}: {passed}")
        failures += [f"ccxt's harness, {name}: {text}" for name, text in found.failed.items()]
    print("\nLeft out of ccxt's harness:")
    for name, reason in exchange.exceptions.items():
        print(f"  {name}: {reason}")
    return failures


if __name__ == "__main__":
    sys.exit(main())
