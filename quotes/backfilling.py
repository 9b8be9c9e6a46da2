"""Bulk generation of history from the same law as the live market."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from journal.journal import Journal
from quotes.kinds import QUOTES
from quotes.law.walker import Walker
from quotes.lawruns import DEFAULT_INTERVAL_US, RunOptions, continue_history, stored_run

CHUNK_TICKS = 200_000


@dataclass(frozen=True)
class Span:
    """The time span to fill, both ends included, in microseconds since 1970 UTC."""

    since: int
    until: int


@dataclass(frozen=True)
class Gap:
    """The missing history of one instrument: `n` ticks from `since` (microseconds) on."""

    since: int
    n: int


def missing(journal: Journal, instrument_id: int, span: Span, run_options: RunOptions) -> Gap:
    """Return the part of `span` after the end of the stored history.

    History can only be appended to, because seq has no gaps.
    """
    tail = journal.tail(instrument_id, QUOTES)
    run = stored_run(tail.instrument)
    interval_us = run_options.interval_us or (run.interval_us if run else DEFAULT_INTERVAL_US)
    since = span.since if tail.seq == 0 else max(span.since, tail.at + interval_us)
    return Gap(since, max(0, (span.until - since) // interval_us + 1))


def fill(
    journal: Journal,
    instrument_id: int,
    gap: Gap,
    run_options: RunOptions,
    advance: Callable[[int], None],
    is_stopping: Callable[[], bool] = lambda: False,
) -> None:
    """Record the ticks of `gap` in chunks; call `advance` with the size of each."""
    if gap.n == 0:
        return
    walker = Walker(*continue_history(journal, instrument_id, run_options, gap.since))
    for n in chunks(gap.n):
        if is_stopping():
            return
        journal.append(walker.take(n))
        advance(n)


def chunks(n: int) -> Iterator[int]:
    return (min(CHUNK_TICKS, n - done) for done in range(0, n, CHUNK_TICKS))
