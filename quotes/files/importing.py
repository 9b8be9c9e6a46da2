"""Atomic import of a table of times and prices into the history of an instrument."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal

import numpy as np
from django.db import transaction
from django.db.models import BigIntegerField
from django.db.models.functions import Cast

from instruments.models import Instrument
from journal.journal import Journal, Tail
from market.kinds import Delivery
from market.ticks import tick_array
from market.times import from_microseconds
from quotes.files.clocks import Clock
from quotes.files.parsing import ParsedRows, parse_rows
from quotes.files.tables import Table, TableError
from quotes.kinds import QUOTES
from quotes.models import Quote, Run


class ImportRefusedError(ValueError):
    """The instrument cannot take imported quotes."""


@dataclass
class Imported:
    """Result of an import; seqs and times are None if it stored nothing."""

    symbol: str
    created: bool
    imported: int = 0
    skipped: int = 0
    first_seq: int | None = None
    last_seq: int | None = None
    first_at: datetime | None = None
    last_at: datetime | None = None

    def as_json(self) -> dict[str, object]:
        return asdict(self)


def import_table(
    table: Table,
    *,
    symbol: str,
    tick_size: Decimal | None,
    clock: Clock | None = None,
    skip_duplicates: bool = False,
    advance: Callable[[int], None] = lambda amount: None,
) -> Imported:
    """Store all quotes of `table` after the history of `symbol`, in one transaction.

    A new instrument is created with `tick_size`. A duplicate time, in the table or in the history,
    is an error, or is skipped with `skip_duplicates`. Raise TableError with the line,
    ImportRefusedError, ValidationError or LeaseHeldError, and store nothing.
    """
    with transaction.atomic():
        instrument, created = instrument_for(symbol, tick_size)
        report = Imported(symbol, created)
        consumed = 0
        with Journal([instrument]) as journal:
            history = journal.tail(instrument.pk, QUOTES)
            for rows in parse_rows(table, instrument.lattice, clock, skip_duplicates):
                new = after_history(rows, history, table.unit, skip_duplicates)
                report.skipped += new.skipped
                if len(new.at):
                    _record(journal, instrument, new, report)
                advance(table.read() - consumed)
                consumed = table.read()
        if not report.imported and not report.skipped:
            raise TableError("the table has no rows below its header")
    return report


def instrument_for(symbol: str, tick_size: Decimal | None) -> tuple[Instrument, bool]:
    """Return the instrument of `symbol`, created if necessary, and whether it was created."""
    known = Instrument.objects.filter(symbol=symbol)
    instrument = None if "\0" in symbol else known.first()  # PostgreSQL rejects NUL
    if instrument is None:
        if tick_size is None:
            raise ImportRefusedError(f"{symbol} does not exist yet: give its --tick-size")
        instrument = Instrument(symbol=symbol, name=symbol, tick_size=tick_size)
        instrument.full_clean()
        instrument.save()
        instrument.refresh_from_db()
        return instrument, True
    if tick_size is not None and tick_size != instrument.tick_size:
        raise ImportRefusedError(
            f"the tick size of {symbol} is {instrument.tick_size.normalize():f}, "
            f"not {tick_size.normalize():f}"
        )
    if Run.objects.filter(instrument=instrument).exists():
        raise ImportRefusedError(
            f"{symbol} is simulated, and its regimes would not match imported quotes: "
            "use another symbol"
        )
    return instrument, False


def after_history(rows: ParsedRows, history: Tail, unit: str, skip_duplicates: bool) -> ParsedRows:
    """Return the rows after the stored history.

    Raise TableError for an earlier row, unless it is already stored and duplicates are skipped.
    """
    if history.seq == 0 or rows.at.size == 0 or rows.at[0] > history.at:
        return rows
    n = int(np.searchsorted(rows.at, history.at, side="right"))
    stored = (
        Quote.objects.between(
            history.instrument,
            from_microseconds(int(rows.at[0])),
            from_microseconds(int(rows.at[n - 1]) + 1),
        )
        .annotate(microseconds=Cast("at", BigIntegerField()))
        .values_list("microseconds", flat=True)
    )
    known = np.isin(rows.at[:n], np.fromiter(stored, dtype=np.int64))
    if skip_duplicates and known.all():
        return ParsedRows(rows.lines[n:], rows.at[n:], rows.ticks[n:], rows.skipped + n)
    i = int(np.argmin(known)) if skip_duplicates else 0
    at = from_microseconds(int(rows.at[i])).isoformat()
    end = from_microseconds(history.at).isoformat()
    raise TableError(
        f"{unit} {rows.lines[i]}: time {at} is already stored"
        if known[i]
        else f"{unit} {rows.lines[i]}: time {at} is not after the end of the stored history, {end}"
    )


def _record(journal: Journal, instrument: Instrument, rows: ParsedRows, report: Imported) -> None:
    seq = journal.tail(instrument.pk, QUOTES).seq + 1
    end = seq + len(rows.at)
    ticks = tick_array(instrument.pk, np.arange(seq, end), rows.at, rows.ticks)
    journal.append([Delivery(QUOTES, ticks)])
    if report.first_seq is None:
        report.first_seq, report.first_at = seq, from_microseconds(int(rows.at[0]))
    report.last_seq, report.last_at = end - 1, from_microseconds(int(rows.at[-1]))
    report.imported += len(rows.at)
