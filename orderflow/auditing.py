"""Audit check of clusters: stored ones equal those computed from the trades."""

import numpy as np

from archive import auditing
from archive.auditing import Check, Report, moment
from archive.rangescans import scan
from archive.selections import Span
from exchange.kinds import TRADES
from instruments.models import Instrument
from market.kinds import Kind, Rows
from market.timeframes import MICROSECONDS, SECONDS, TIMEFRAMES, opened_at
from orderflow.clusters import coarsen, joined, no_clusters, of_trades
from orderflow.kinds import CLUSTERS
from orderflow.recording import End, stored_rows
from quotes.auditing import BEGINNING

NAMES = {seconds: name for name, seconds in TIMEFRAMES.items()}
COMPARED = tuple(name for name in CLUSTERS.dtype.names or () if name != "instrument")


def register() -> None:
    """Add the check of clusters to `manage.py audit`."""
    auditing.register(TRADES, ClusterCheck)


class ClusterCheck(Check):
    """Stored clusters equal those of the trades in every timeframe, with numbers and marks.

    Clusters that begin before the first trade cannot be compared if retention removed trades.
    """

    def __init__(self, report: Report, instrument: Instrument, kind: Kind) -> None:
        super().__init__(report, instrument, kind)
        self._open = dict.fromkeys(SECONDS, no_clusters())
        self._ends = dict.fromkeys(SECONDS, End())
        self._compared_to = dict.fromkeys(SECONDS, BEGINNING)
        self._is_pruned = report.pruned[kind.name] > 0

    def feed(self, rows: Rows) -> None:
        if self._is_pruned:
            self._begin_after(int(rows["at"][0]))
        minutes = of_trades(rows, SECONDS[0])
        for seconds in SECONDS:
            clusters = coarsen(joined([self._open[seconds], minutes]), seconds)
            last = len(clusters) - 1
            self._open[seconds] = clusters.part(last, last + 1)
            skipped = int(clusters["opened_at"].searchsorted(self._compared_to[seconds]))
            if skipped < last:
                right = clusters.part(skipped, last)
                before = self._ends[seconds]._replace(last_seq=int(right["first_seq"][0]) - 1)
                made, self._ends[seconds] = stored_rows(right, self.instrument.pk, seconds, before)
                self._compare(seconds, made, int(clusters["opened_at"][last]))

    def _begin_after(self, at: int) -> None:
        """Compare the clusters that begin after the first trade that is left."""
        self._is_pruned = False
        for seconds in SECONDS:
            begin = opened_at(at, seconds) + seconds * MICROSECONDS
            self._compared_to[seconds] = begin
            before = self._stored(seconds, Span(None, begin))[-1:]
            if len(before):
                self._ends[seconds] = End(int(before["number"][0]), int(before["mark"][0]))

    def close(self, last_seq: int) -> None:
        """Report stored clusters that no trade has closed yet."""
        for seconds in SECONDS:
            since = self._stored(seconds, Span(self._compared_to[seconds]))
            latest = scan(self.kind, self.instrument, limit=1, newest=True, fields=("at",))
            end = BEGINNING  # read after the clusters: both may grow
            if len(latest):
                end = opened_at(int(latest["at"][0]), seconds)
            beyond = since["opened_at"] >= end
            if len(self._open[seconds]):
                beyond |= since["opened_at"] < self._open[seconds]["opened_at"][0]
            for cluster in since[beyond]:
                self._note(seconds, cluster["opened_at"], "is stored but not closed by any trade")

    def _stored(self, seconds: int, span: Span) -> Rows:
        names = CLUSTERS.dtype.names or ()
        where = {"timeframe": seconds}
        found = scan(CLUSTERS, self.instrument, span=span, where=where, fields=[*COMPARED])
        rows = np.empty(len(found), CLUSTERS.dtype)
        rows["instrument"] = self.instrument.pk
        for name in names[1:]:
            rows[name] = found[name]
        return rows

    def _compare(self, seconds: int, right: Rows, end: int) -> None:
        """Compare with the stored clusters up to `end`, which is not included."""
        stored = self._stored(seconds, Span(self._compared_to[seconds], end))
        self._compared_to[seconds] = end
        self.report.counts[CLUSTERS.name] += len(stored)
        opened = stored["opened_at"]
        for cluster in right[~np.isin(right["opened_at"], opened)]:
            self._note(seconds, cluster["opened_at"], "is missing")
        for cluster in stored[~np.isin(opened, right["opened_at"])]:
            self._note(seconds, cluster["opened_at"], "is stored but has no trades")
        _, ours, theirs = np.intersect1d(right["opened_at"], opened, return_indices=True)
        for cluster, found in zip(right[ours], stored[theirs], strict=True):
            wrong = [name for name in COMPARED if not equal(cluster[name], found[name])]
            if wrong:
                what = f"differs from its trades in {', '.join(wrong)}"
                self._note(seconds, cluster["opened_at"], what)

    def _note(self, seconds: int, opened: int, what: str) -> None:
        self.report.note(f"{CLUSTERS.name}: {NAMES[seconds]} of {moment(opened)} {what}")


def equal(right: object, found: object) -> bool:
    if isinstance(right, bytes) and isinstance(found, (bytes, memoryview)):
        return right == bytes(found)
    return bool(right == found)
