"""History made in one go, from the same law as the live market."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from journal.journal import Journal
from quotes.kinds import QUOTES
from quotes.law.walker import Walker
from quotes.lawruns import DEFAULT_INTERVAL_US, Wish, continue_history, stored_run

CHUNK_TICKS = 200_000


@dataclass(frozen=True)
class Span:
    """What to fill, both ends included, in microseconds since 1970 UTC."""

    since: int
    until: int


@dataclass(frozen=True)
class Gap:
    """What is missing of one instrument: `n` ticks from `since` on."""

    since: int
    n: int


def missing(journal: Journal, instrument_id: int, span: Span, wish: Wish) -> Gap:
    """Return what `span` lacks after the end of the stored history.

    History only grows at its end, for seq has no holes: what lies before stays as it is.
    """
    tail = journal.tail(instrument_id, QUOTES)
    run = stored_run(tail.instrument)
    interval_us = wish.interval_us or (run.interval_us if run else DEFAULT_INTERVAL_US)
    since = span.since if tail.seq == 0 else max(span.since, tail.at + interval_us)
    return Gap(since, max(0, (span.until - since) // interval_us + 1))


def fill(
    journal: Journal,
    instrument_id: int,
    gap: Gap,
    wish: Wish,
    advance: Callable[[int], None],
    is_stopping: Callable[[], bool] = lambda: False,
) -> None:
    """Record the ticks of `gap`, chunk by chunk; `advance` is told how many after each."""
    if gap.n == 0:
        return
    walker = Walker(*continue_history(journal, instrument_id, wish, gap.since))
    for n in chunks(gap.n):
        if is_stopping():
            return
        journal.append(walker.take(n))
        advance(n)


def chunks(n: int) -> Iterator[int]:
    return (min(CHUNK_TICKS, n - done) for done in range(0, n, CHUNK_TICKS))
