"""Audits of recorded streams: seq, time, and the checks of each kind.

Every stream is read once, in chunks, so that memory is bounded for a history of any length.
Records written during an audit are not part of it.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from archive import records
from instruments.models import Instrument
from journal.models import Stream
from market.kinds import Kind, Rows, kinds
from market.times import from_microseconds

LONGEST_REPORT = 20
"""Violations listed per instrument; further ones are only counted."""


@dataclass
class Report:
    """The audit of one instrument, or of what spans all of them: row counts and violations."""

    symbol: str
    counts: Counter[str] = field(default_factory=Counter)
    """Rows that were audited, by the name of their kind or table."""
    pruned: Counter[str] = field(default_factory=Counter)
    """By the name of the kind, the seq up to which retention removed the records."""
    violation_count: int = 0
    violations: list[str] = field(default_factory=list)

    def note(self, violation: str) -> None:
        self.violation_count += 1
        if len(self.violations) < LONGEST_REPORT:
            self.violations.append(f"{self.symbol}: {violation}")


class Check:
    """A check of all records of one stream, chunk by chunk.

    Fields of bytes are None unless a check of the kind has `reads_bytes`.
    """

    reads_bytes: ClassVar[bool] = False

    def __init__(self, report: Report, instrument: Instrument, kind: Kind) -> None:
        self.report = report
        self.instrument = instrument
        self.kind = kind

    def feed(self, rows: Rows) -> None:
        """Check the next records, ascending, at least one."""

    def close(self, last_seq: int) -> None:
        """Finish after the last chunk; the stream ended with `last_seq` when the audit began."""


class SeqCheck(Check):
    """seq is 1, 2, 3 ...; times are in order; the records are valid for their kind.

    A stream may begin later, at the first record that retention left.
    """

    def __init__(self, report: Report, instrument: Instrument, kind: Kind) -> None:
        super().__init__(report, instrument, kind)
        self._seq = report.pruned[kind.name]
        self._at: int | None = None

    def feed(self, rows: Rows) -> None:
        self.report.counts[self.kind.name] += len(rows)
        seq, at = rows["seq"], rows["at"]
        before = np.concatenate(([self._seq], seq[:-1]))
        for i in np.flatnonzero(seq != before + 1):
            self.report.note(f"{self.kind.name}: seq {before[i]} is followed by {seq[i]}")
        least = 1 if self.kind.clock == "strict" else 0
        earlier = np.concatenate(([at[0] - 1 if self._at is None else self._at], at[:-1]))
        for i in np.flatnonzero(at - earlier < least):
            self.report.note(
                f"{self.kind.name}: record {seq[i]} at {moment(at[i])} is not later than the one "
                f"before it, {moment(earlier[i])}"
            )
        try:
            self.kind.check(rows)
        except ValueError as error:
            self.report.note(f"{self.kind.name}: {error}")
        self._seq, self._at = int(seq[-1]), int(at[-1])

    def close(self, last_seq: int) -> None:
        if self._seq != last_seq:
            self.report.note(
                f"{self.kind.name}: the stream ends at seq {last_seq}, the stored records at "
                f"{self._seq}"
            )


CheckFactory = Callable[[Report, Instrument, Kind], Check]
_checks: dict[str, list[CheckFactory]] = {}


def register(kind: Kind, *factories: CheckFactory) -> None:
    """Add checks of the streams of `kind` to SeqCheck."""
    _checks.setdefault(kind.name, []).extend(factories)


_checks_of_all: dict[str, Callable[[Report], None]] = {}


def register_for_all(name: str, check: Callable[[Report], None]) -> None:
    """Add a check of tables that span all instruments; `name` begins its violations."""
    _checks_of_all[name] = check


def audit_all() -> list[Report]:
    """Audit what spans all instruments."""
    reports = []
    for name, check in _checks_of_all.items():
        reports.append(Report(name))
        check(reports[-1])
    return reports


def audit(instrument: Instrument, advance: Callable[[int], None] = lambda n: None) -> Report:
    """Audit all streams of `instrument`; `advance` is called with the records read."""
    report = Report(instrument.symbol)
    for kind in kinds():
        audit_stream(report, instrument, kind, last_seq_of(instrument, kind), advance)
    return report


def audit_stream(
    report: Report,
    instrument: Instrument,
    kind: Kind,
    last_seq: int,
    advance: Callable[[int], None],
) -> None:
    factories: list[CheckFactory] = [SeqCheck, *_checks.get(kind.name, [])]
    report.pruned[kind.name] = pruned_seq_of(instrument, kind)
    checks = [factory(report, instrument, kind) for factory in factories]
    with_bytes = any(check.reads_bytes for check in checks)
    expected = report.pruned[kind.name] + 1
    for rows in records.chunks(kind, instrument, 0, last_seq, with_bytes=with_bytes):
        first = int(rows["seq"][0])
        if first != expected and pruned_seq_of(instrument, kind) >= first - 1:  # pruned meanwhile
            report.pruned[kind.name] = first - 1
            checks = [factory(report, instrument, kind) for factory in factories]
        for check in checks:
            check.feed(rows)
        expected = int(rows["seq"][-1]) + 1
        advance(len(rows))
    for check in checks:
        check.close(last_seq)
    stored = records.newest_seq(kind, instrument)
    if stored > last_seq and stored > last_seq_of(instrument, kind):  # not recorded meanwhile
        report.note(f"{kind.name}: record {stored} is stored beyond the end of the stream")


def last_seq_of(instrument: Instrument, kind: Kind) -> int:
    """Return where a stream ends, 0 where it has no record."""
    found = Stream.objects.filter(instrument=instrument, kind=kind.name)
    return found.values_list("last_seq", flat=True).first() or 0


def pruned_seq_of(instrument: Instrument, kind: Kind) -> int:
    """Return the seq up to which retention removed the records of a stream."""
    found = Stream.objects.filter(instrument=instrument, kind=kind.name)
    return found.values_list("pruned_seq", flat=True).first() or 0


def moment(at: int) -> str:
    """Return microseconds as the text of a time."""
    return from_microseconds(int(at)).isoformat()
