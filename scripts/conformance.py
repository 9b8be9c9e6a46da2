"""Run unmodified clients of Bybit against the door in processes of its own; print a matrix.

    python -m scripts.conformance [--without-harness]

Exit code 1 if anything fails that is not named as an exception, with its reason.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from rig import venues
from rig.conformance import harness
from rig.conformance.ccxtchecks import CcxtRest, CcxtStreams
from rig.conformance.matrix import Matrix
from rig.conformance.pybitchecks import PybitRest, PybitStreams
from rig.venues import Venue


def clients(venue: Venue) -> Matrix:
    """Return what pybit, ccxt and ccxt.pro can do."""
    matrix = Matrix()
    rest = PybitRest(venue)
    matrix.run("pybit", rest.checks())
    streams = PybitStreams(venue, rest)
    matrix.run("pybit", streams.checks())
    streams.close()
    exchange = CcxtRest(venue)
    matrix.run("ccxt", exchange.checks())
    matrix.run("ccxt", CcxtStreams(venue, exchange).checks())
    return matrix


def main() -> int:
    parser = argparse.ArgumentParser(description="Unmodified clients against the Bybit door.")
    parser.add_argument("--without-harness", action="store_true", help="leave out ccxt's own tests")
    options = parser.parse_args()
    failures = []
    with (
        tempfile.TemporaryDirectory() as folder,
        venues.market() as env,
        venues.door(env) as venue,
    ):
        venues.wait_for_trades(venue)
        matrix = clients(venue)
        print(matrix.table(), flush=True)
        failures += matrix.failures
        for lane in () if options.without_harness else harness.LANES:
            found = harness.run(venue, Path(folder), lane, PybitRest(venue).buy)
            print(
                f"\nccxt's harness, {lane}: passed {len(found.passed)}: {', '.join(found.passed)}"
            )
            failures += [f"ccxt's harness, {name}: {text}" for name, text in found.failed.items()]
    print("\nLeft out of ccxt's harness:")
    for name, reason in harness.EXCEPTIONS.items():
        print(f"  {name}: {reason}")
    for failure in failures:
        print(f"FAILED {failure}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
