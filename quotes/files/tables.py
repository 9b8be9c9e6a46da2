"""Tables of times and prices in CSV, gzipped CSV or Parquet, from a file or standard input. Pure.

Reads text in blocks of bounded size with the line number of each row, so that errors can name it.
quotes/files/parsing.py parses the text.
"""

import codecs
import csv
import gzip
import io
import shutil
import tempfile
import zlib
from collections.abc import Callable, Iterator
from typing import IO, Any, NamedTuple, Protocol

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

BLOCK_ROWS = 65_536
LONGEST_HEADER = 65_536
LONGEST_LINE = 1_048_576
DELIMITERS = ",;\t|"
TIME_NAMES = ("at", "time", "timestamp", "datetime", "date", "datetimeutc", "timeutc", "dateutc",
              "ts", "tsevent", "tradetime", "opentime", "openedat")  # fmt: skip
PRICE_NAMES = ("price", "close", "last", "lastprice", "closeprice", "mid", "value", "rate")
INDEX_NAMES = ("", "unnamed0", "indexlevel0")  # pandas writes these for an unnamed index


class TableError(ValueError):
    """The table is invalid; the message names the line, the value and the reason."""


class ColumnError(TableError):
    """The table has no such column, or no column with a usual name."""


class Block(NamedTuple):
    """Rows as text, in table order. `lines` are line numbers; the header is line 1."""

    lines: list[int]
    times: list[str]
    prices: list[str]


class Table(Protocol):
    """A source of blocks. `read()` units of `size` (None: unknown) have been consumed."""

    unit: str
    size: int | None

    def read(self) -> int: ...

    def blocks(self) -> Iterator[Block]: ...


def open_table(
    file: IO[bytes],
    size: int | None,
    time_column: str | None = None,
    price_column: str | None = None,
) -> "Table":
    """Open the table in a buffered binary `file` of `size` bytes, detecting the format by content.

    Raise TableError for an unreadable file and ColumnError for a missing column.
    """
    start = file.peek(4)[:4]  # type: ignore[attr-defined]  # IO lacks it, BufferedReader has it
    if start == b"PAR1":
        return ParquetTable(file, time_column, price_column)
    return CsvTable(file, size, start[:2] == b"\x1f\x8b", time_column, price_column)


class CsvTable:
    """CSV with a header, separated by comma, semicolon, tab or bar; optionally gzipped."""

    unit = "line"

    def __init__(
        self,
        file: IO[bytes],
        size: int | None,
        gzipped: bool,
        time_column: str | None,
        price_column: str | None,
    ) -> None:
        self.size = size
        self._consumed = 0
        counted = io.BufferedReader(_Counted(file, self._count), 1 << 18)
        content = gzip.GzipFile(fileobj=counted) if gzipped else counted
        # surrogateescape keeps invalid UTF-8 recognisable: parsing rejects it with its line.
        self._text = io.TextIOWrapper(
            content,
            encoding="utf-8-sig",
            errors="surrogateescape",
            newline="",
        )
        with _readable():
            refuse_utf16(content.peek(2)[:2])
            header = self._text.readline(LONGEST_HEADER)
            delimiter = max(DELIMITERS, key=header.count)
            self._header = next(csv.reader([header], delimiter=delimiter), [])
        if not self._header:
            raise TableError("line 1: the table is empty; its first line must name the columns")
        self._time, self._price = find_columns(self._header, time_column, price_column)
        self._rows = csv.reader(self._lines(), delimiter=delimiter, skipinitialspace=True)

    def _count(self, n: int) -> None:
        self._consumed += n

    def _lines(self) -> Iterator[str]:
        """Yield lines; reject an endless line, which may be tiny when compressed."""
        readline = self._text.readline
        while line := readline(LONGEST_LINE):
            if len(line) == LONGEST_LINE:
                raise csv.Error(f"it has {LONGEST_LINE:,} characters or more")
            yield line

    def read(self) -> int:
        return self._consumed

    def blocks(self) -> Iterator[Block]:
        block = Block([], [], [])
        lines, times, prices = block
        width, time, price = len(self._header), self._time, self._price
        rows = self._rows
        try:
            for row in rows:
                if len(row) != width:
                    if not row:  # an empty line
                        continue
                    raise TableError(
                        f"line {rows.line_num + 1}: {len(row)} columns where the header has {width}"
                    )
                lines.append(rows.line_num + 1)
                times.append(row[time])
                prices.append(row[price])
                if len(lines) == BLOCK_ROWS:
                    yield block
                    block = Block([], [], [])
                    lines, times, prices = block
        except (csv.Error, OSError, EOFError, zlib.error) as error:
            raise TableError(f"line {rows.line_num + 1}: cannot be read: {error}") from error
        if lines:
            yield block


class ParquetTable:
    """Apache Parquet; converts numbers, times and decimals into exact text."""

    unit = "row"

    def __init__(self, file: IO[bytes], time_column: str | None, price_column: str | None) -> None:
        if not file.seekable():
            spool = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the table
            shutil.copyfileobj(file, spool)
            file = spool
        with _readable():
            self._parquet = pq.ParquetFile(file)
        names = self._parquet.schema_arrow.names
        time, price = find_columns(names, time_column, price_column)
        self._columns = [names[time], names[price]]
        self.size: int | None = self._parquet.metadata.num_rows
        self._done = 0

    def read(self) -> int:
        return self._done

    def blocks(self) -> Iterator[Block]:
        with _readable():
            for batch in self._parquet.iter_batches(BLOCK_ROWS, columns=self._columns):
                times, prices = (_as_text(batch.column(name)) for name in self._columns)
                first = self._done + 1
                self._done += len(times)
                yield Block(list(range(first, self._done + 1)), times, prices)


class _Counted(io.RawIOBase):
    """A binary stream that reports how many bytes were read."""

    def __init__(self, file: IO[bytes], count: Callable[[int], None]) -> None:
        self._file = file
        self._count = count

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        self._count(len(data))
        return len(data)


class _readable:  # noqa: N801 - used like a keyword
    """Raise TableError for every error of a corrupt file."""

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if isinstance(error, (pa.ArrowException, csv.Error, OSError, EOFError, zlib.error)):
            raise TableError(f"the file cannot be read: {error}") from error


def _as_text(column: pa.Array) -> list[str]:
    kind = column.type
    if pa.types.is_timestamp(kind):
        column = column.cast(pa.timestamp("us", "UTC" if kind.tz else None), safe=False)
    return [text or "" for text in column.cast(pa.string()).to_pylist()]


def all_match(column: pa.Array, pattern: str) -> bool:
    """Return whether every text of `column` matches `pattern` (RE2) as a whole."""
    return bool(pc.all(pc.match_substring_regex(column, f"^(?:{pattern})$")).as_py())


def refuse_utf16(start: bytes) -> None:
    """Raise TableError if the first two bytes are a UTF-16 byte order mark or character."""
    if start in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) or 0 in start:
        raise TableError("the file is UTF-16, not UTF-8: convert it, e.g. iconv -f UTF-16 -t UTF-8")


def find_columns(names: list[str], time: str | None, price: str | None) -> tuple[int, int]:
    """Return the indices of the time and price columns, by given or usual names."""
    time_index = _find("time", names, time, TIME_NAMES)
    if time_index is None and names and _plain(names[0]) in INDEX_NAMES:
        time_index = 0
    price_index = _find("price", names, price, PRICE_NAMES)
    listed = ", ".join(repr(name) for name in names[:20])
    if time_index is None:
        raise ColumnError(f"no time column among {listed}: name it with --time-column")
    if price_index is None:
        raise ColumnError(f"no price column among {listed}: name it with --price-column")
    return time_index, price_index


def _find(kind: str, names: list[str], given: str | None, usual: tuple[str, ...]) -> int | None:
    if given is not None:
        matches = [i for i, name in enumerate(names) if name.strip() == given.strip()]
        if not matches:
            listed = ", ".join(repr(name) for name in names[:20])
            raise ColumnError(f"no column {given!r} among {listed} (--{kind}-column)")
    else:
        plain = [_plain(name) for name in names]
        best = next((name for name in usual if name in plain), None)
        matches = [i for i, name in enumerate(plain) if name == best]
    if len(matches) > 1:
        raise ColumnError(f"{len(matches)} columns are called {names[matches[0]]!r}")
    return matches[0] if matches else None


def _plain(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum())
