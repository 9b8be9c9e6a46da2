"""Run unmodified clients of Bybit against the door in processes of its own; print a matrix.

    python -m scripts.conformance [--without-harness]

Exit code 1 if anything fails that is not named as an exception, with its reason.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from rig import venues as rigged
from rig.conformance import harness
from rig.conformance.ccxtchecks import CcxtRest, CcxtStreams
from rig.conformance.matrix import Matrix
from rig.conformance.pybitchecks import PybitRest, PybitStreams, tls_checks
from rig.venues import Venue
from venues.doors.certificates import make_files


def over_tls(matrix: Matrix, env: dict[str, str], folder: Path) -> None:
    """Try pybit over TLS, pointed here by its constructors alone."""
    files = make_files(folder, ["127.0.0.1"])
    options = ("--tls", str(files.certificate), str(files.key))
    with rigged.door(env, *options, accounts=["tls"], authority=files.authority) as venue:
        matrix.run("pybit, TLS", tls_checks(venue, files.authority))


def clients(matrix: Matrix, venue: Venue) -> None:
    """Try pybit, ccxt and ccxt.pro."""
    rest = PybitRest(venue)
    matrix.run("pybit", rest.checks())
    streams = PybitStreams(venue, rest)
    matrix.run("pybit", streams.checks())
    streams.close()
    exchange = CcxtRest(venue)
    matrix.run("ccxt", exchange.checks())
    matrix.run("ccxt", CcxtStreams(venue, exchange).checks())


def main() -> int:
    parser = argparse.ArgumentParser(description="Unmodified clients against the Bybit door.")
    parser.add_argument("--without-harness", action="store_true", help="leave out ccxt's own tests")
    options = parser.parse_args()
    failures = []
    with (
        tempfile.TemporaryDirectory() as folder,
        rigged.market() as env,
        rigged.door(env) as venue,
    ):
        rigged.wait_for_trades(venue)
        matrix = Matrix()
        over_tls(matrix, env, Path(folder) / "tls")
        clients(matrix, venue)
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
