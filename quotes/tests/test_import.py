"""Imports are exact and atomic, and reject invalid data."""

import csv
import gzip
import io
import json
import re
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest
from django.core.management import CommandError, call_command
from hypothesis import example, given
from hypothesis import strategies as st

from archive.auditing import audit
from instruments.lattice import Lattice
from instruments.models import Instrument
from journal.models import Lease
from market.times import from_microseconds, to_microseconds
from quotes.files.clocks import TIME_FORMATS, Clock
from quotes.files.parsing import read_price, read_prices
from quotes.management.commands.importquotes import Command
from quotes.models import Candle, Quote, Run

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]


def market_data(name: str) -> Path:
    """Return a table of real prices from the package `backtesting`."""
    spec = find_spec("backtesting")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "test" / f"{name}.csv"


def import_quotes(
    path: object, symbol: str = "X", tick_size: str = "0.25", **options: str
) -> dict[str, Any]:
    out = io.StringIO()
    given = {"symbol": symbol, "tick_size": tick_size, **options}
    arguments = [f"--{name.replace('_', '-')}={value}" for name, value in given.items()]
    call_command("importquotes", str(path), *arguments, "--json", stdout=out)
    report: dict[str, Any] = json.loads(out.getvalue().splitlines()[-1])
    return report


def table(tmp_path: Path, *lines: str, name: str = "quotes.csv") -> Path:
    path = tmp_path / name
    path.write_text("\n".join(("time,price", *lines)) + "\n")
    return path


def rows_of(symbol: str = "X") -> list[tuple[int, str, int]]:
    quotes = Quote.objects.of(Instrument.objects.get(symbol=symbol))
    return [(quote.seq, quote.at.isoformat(), quote.ticks) for quote in quotes]


@pytest.mark.both_databases
@pytest.mark.parametrize(
    ("name", "tick_size", "count"), [("EURUSD", "0.00001", 5000), ("GOOG", "0.01", 2148)]
)
def test_real_market_data_is_stored_exactly_with_correct_candles(
    name: str, tick_size: str, count: int
) -> None:
    path = market_data(name)
    assert import_quotes(path, name, tick_size)["imported"] == count
    with path.open() as file:
        closes = [Decimal(row["Close"]) for row in csv.DictReader(file)]
    instrument = Instrument.objects.get(symbol=name)
    stored = Quote.objects.of(instrument).values_list("seq", "ticks")
    assert [seq for seq, _ in stored] == list(range(1, count + 1))
    assert [instrument.lattice.price(ticks) for _, ticks in stored] == closes
    report = audit(instrument)
    assert report.violations == []
    assert report.counts["candles"] == Candle.objects.filter(instrument=instrument).count() > count


def test_naive_times_are_local_to_given_zone(tmp_path: Path) -> None:
    import_quotes(
        table(tmp_path, "2024-01-02 09:30,1.25", "2024-07-02 09:30,1.5"),
        timezone="America/New_York",
    )
    assert rows_of() == [
        (1, "2024-01-02T14:30:00+00:00", 5),
        (2, "2024-07-02T13:30:00+00:00", 6),
    ]


@pytest.mark.parametrize(
    ("local", "reason"),
    [("2024-03-10 02:30", "does not exist"), ("2024-11-03 01:30", "is ambiguous")],
)
def test_nonexistent_and_ambiguous_local_times_are_rejected(
    tmp_path: Path, local: str, reason: str
) -> None:
    path = table(tmp_path, "2024-01-02 09:30,1.25", f"{local},1.5")
    with pytest.raises(CommandError, match=rf"line 3: time '{local}:00' {reason} in America"):
        import_quotes(path, timezone="America/New_York")
    assert not Quote.objects.exists()


@pytest.mark.parametrize(
    "texts",
    [
        ("1704205800", "1704205801"),
        ("1704205800.0", "1704205801.0"),
        ("1704205800000", "1704205801000"),
        ("1704205800000000", "1704205801000000"),
        ("2024-01-02T14:30:00Z", "2024-01-02T14:30:01Z"),
        ("2024-01-02T15:30:00+01:00", "2024-01-02T09:30:01-05:00"),
        ("2024-01-02 14:30:00", "2024-01-02 14:30:01.000000"),
        ("20240102T143000", "20240102 143001"),
        ("20240102143000", "20240102143001"),
    ],
)
def test_usual_time_formats_give_the_same_times(texts: tuple[str, str]) -> None:
    assert Clock().read(list(texts)).tolist() == [1704205800000000, 1704205801000000]


@pytest.mark.parametrize("name", ["Time", "TIMESTAMP", "Date", "datetime", "at", "", "Unnamed: 0"])
def test_columns_are_detected_by_name(tmp_path: Path, name: str) -> None:
    path = tmp_path / "quotes.csv"
    path.write_text(f"{name};Volume;Close\n2024-01-02;7;1.25\n")
    import_quotes(path)
    assert rows_of() == [(1, "2024-01-02T00:00:00+00:00", 5)]


def test_columns_can_be_named(tmp_path: Path) -> None:
    path = tmp_path / "quotes.csv"
    path.write_text("time,when,price,Bid\nx,2024-01-02,x,1.25\n")
    import_quotes(path, time_column="when", price_column="Bid")
    assert rows_of() == [(1, "2024-01-02T00:00:00+00:00", 5)]


@pytest.mark.parametrize(
    ("header", "options", "message"),
    [
        ("a,price", {}, r"no time column among 'a', 'price': name it with --time-column"),
        ("time,a", {}, r"no price column among 'time', 'a'"),
        ("time,price", {"price_column": "Bid"}, r"no column 'Bid' among 'time', 'price'"),
        ("time,price,price", {}, r"2 columns are called 'price'"),
        ("", {}, r"line 1: the table is empty"),
    ],
)
def test_missing_column_is_named(
    tmp_path: Path, header: str, options: dict[str, str], message: str
) -> None:
    path = tmp_path / "quotes.csv"
    path.write_text(header)
    with pytest.raises(CommandError, match=message):
        import_quotes(path, **options)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            "2024-01-02T00:00:03,1.30",
            r"line 5: price '1.30' is not a multiple of the tick size 0.25",
        ),
        ("2024-01-02T00:00:03,NaN", r"line 5: price 'NaN' is not a number"),
        ("2024-01-02T00:00:03,inf", r"line 5: price 'inf' is not a number"),
        ("2024-01-02T00:00:03,", r"line 5: price is empty"),
        ("2024-01-02T00:00:03,-1.25", r"line 5: price '-1.25' is not above 0"),
        ("2024-01-02T00:00:03,0.00", r"line 5: price '0.00' is not above 0"),
        ("2024-01-02T00:00:03,1_0", r"line 5: price '1_0' is not a number"),
        ("2024-01-02T00:00:03,1e30", r"line 5: price '1e30' is more than 2\^53 ticks"),
        ("2024-01-02T00:00:03,1e-40", r"line 5: price '1e-40' is not a multiple"),
        ("2024-01-02T00:00:03,\udcff", r"line 5: price '\\udcff' is not a number"),
        (",1.25", r"line 5: time is empty"),
        ("yesterday,1.25", r"line 5: time 'yesterday' is neither ISO 8601"),
        ("2024-02-30,1.25", r"line 5: time '2024-02-30' is neither ISO 8601"),
        (
            "2024-01-02T00:00:01,1.25",
            r"line 5: time '2024-01-02T00:00:01' is before that of line 4",
        ),
        ("2024-01-02T00:00:02,1.25", r"line 5: time '2024-01-02T00:00:02' is the same as that of"),
        ("2024-01-02T00:00:03", r"line 5: 1 columns where the header has 2"),
        ("2024-01-02T00:00:03,1.25,", r"line 5: 3 columns where the header has 2"),
    ],
)
def test_invalid_row_is_named_and_nothing_is_stored(tmp_path: Path, row: str, message: str) -> None:
    path = tmp_path / "quotes.csv"
    text = f"time,price\n2024-01-02T00:00:00,1.25\n\n2024-01-02T00:00:02,1.5\n{row}\n"
    path.write_text(text, errors="surrogateescape")
    with pytest.raises(CommandError, match=message) as refused:
        import_quotes(path)
    assert refused.value.returncode == 1
    assert "\n" not in str(refused.value)
    assert not Instrument.objects.exists()
    assert not Quote.objects.exists()
    assert not Lease.objects.exists()


@pytest.mark.both_databases
def test_late_invalid_row_rolls_back_earlier_rows(tmp_path: Path) -> None:
    rows = [f"{1704205800 + i},1.25" for i in range(150_000)]
    rows[140_000] = rows[140_000] + "1"
    with pytest.raises(CommandError, match=r"line 140002: price '1.251' .* \(nearest: 1.25\)"):
        import_quotes(table(tmp_path, *rows))
    assert not Quote.objects.exists()
    assert not Candle.objects.exists()


@pytest.mark.both_databases
def test_duplicates_are_skipped_on_request_and_counted(tmp_path: Path) -> None:
    path = table(tmp_path, "2024-01-02,1.25", "2024-01-02,1.5", "2024-01-03,1.75")
    report = import_quotes(path, on_duplicate="skip")
    assert (report["imported"], report["skipped"]) == (2, 1)
    assert [ticks for _, _, ticks in rows_of()] == [5, 7]


def test_unordered_times_are_rejected_when_skipping_duplicates(tmp_path: Path) -> None:
    path = table(tmp_path, "2024-01-02,1.25", "2024-01-02,1.5", "2024-01-01,1.75")
    with pytest.raises(CommandError, match=r"line 4: time '2024-01-01' is before that of line 3"):
        import_quotes(path, on_duplicate="skip")


@pytest.mark.both_databases
def test_second_file_continues_history(tmp_path: Path) -> None:
    import_quotes(table(tmp_path, "2024-01-02,1.25", "2024-01-03,1.5"))
    overlapping = table(tmp_path, "2024-01-03,1.5", "2024-01-04,1.75")
    with pytest.raises(CommandError, match=r"line 2: time 2024-01-03T00:00:00\+00:00 is already"):
        import_quotes(overlapping)
    report = import_quotes(overlapping, on_duplicate="skip")
    assert (report["imported"], report["skipped"], report["first_seq"]) == (1, 1, 3)
    assert [seq for seq, _, _ in rows_of()] == [1, 2, 3]
    assert audit(Instrument.objects.get(symbol="X")).violations == []


@pytest.mark.both_databases
@pytest.mark.parametrize("on_duplicate", ["error", "skip"])
def test_times_between_stored_ones_are_rejected(tmp_path: Path, on_duplicate: str) -> None:
    import_quotes(table(tmp_path, "2024-01-02,1.25", "2024-01-04,1.5"))
    path = table(tmp_path, "2024-01-03,1.5", "2024-01-05,1.5")
    with pytest.raises(CommandError, match=r"line 2: time 2024-01-03T.* is not after the end"):
        import_quotes(path, on_duplicate=on_duplicate)
    assert len(rows_of()) == 2


def test_other_tick_size_and_simulated_instrument_are_rejected(tmp_path: Path) -> None:
    path = table(tmp_path, "2024-01-02,1.25")
    instrument = Instrument.objects.create(symbol="X", name="X", tick_size=Decimal("0.25"))
    with pytest.raises(CommandError, match=r"the tick size of X is 0.25, not 0.01"):
        import_quotes(path, tick_size="0.01")
    Run.objects.create(
        instrument=instrument, seed=1, interval_us=1, first_seq=1, started_at=0, start_ticks=1,
        start_direction=1, regime_mean_s=300, regime_floor_s=30,
    )  # fmt: skip
    with pytest.raises(CommandError, match="X is simulated"):
        import_quotes(path)
    assert not Quote.objects.exists()


def test_invalid_symbol_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="symbol: Use capital letters"):
        import_quotes(table(tmp_path, "2024-01-02,1.25"), symbol="euro dollar")


def test_gzip_and_parquet_give_the_same_rows_as_csv(tmp_path: Path) -> None:
    path = market_data("EURUSD")
    zipped = tmp_path / "eurusd.gz"
    zipped.write_bytes(gzip.compress(path.read_bytes()))
    columns = pa_csv.read_csv(path)
    assert pa.types.is_timestamp(columns.schema[0].type)
    pq.write_table(columns, tmp_path / "eurusd.parquet", row_group_size=1000)
    for symbol, file in (("CSV", path), ("GZ", zipped), ("PQ", tmp_path / "eurusd.parquet")):
        assert import_quotes(file, symbol, "0.00001")["imported"] == 5000
    assert rows_of("CSV") == rows_of("GZ") == rows_of("PQ")


@pytest.mark.parametrize(
    "times",
    [
        pa.array([1704205800000000, 1704205800250000], pa.timestamp("us")),
        pa.array([1704205800000000000, 1704205800250000000], pa.timestamp("ns", "Asia/Tokyo")),
        pa.array([1704205800000, 1704205800250], pa.int64()),
        pa.array([1704205800.0, 1704205800.25], pa.float64()),
        pa.array(["2024-01-02T14:30:00Z", "2024-01-02T14:30:00.25Z"], pa.string()),
    ],
)
@pytest.mark.parametrize("kind", [pa.float64(), pa.float32(), pa.decimal128(12, 4), pa.string()])
def test_typed_columns_of_parquet_are_read_exactly(
    tmp_path: Path, times: pa.Array, kind: pa.DataType
) -> None:
    prices = pa.array(["1.0722", "1.1"]).cast(kind)
    pq.write_table(pa.table({"Date": times, "Close": prices}), tmp_path / "quotes")
    import_quotes(tmp_path / "quotes", tick_size="0.0001")
    assert rows_of() == [
        (1, "2024-01-02T14:30:00+00:00", 10722),
        (2, "2024-01-02T14:30:00.250000+00:00", 11000),
    ]


def test_invalid_row_of_parquet_is_named(tmp_path: Path) -> None:
    path = tmp_path / "quotes.parquet"
    pq.write_table(pa.table({"time": [1704205800, 1704205801], "price": [1.25, None]}), path)
    with pytest.raises(CommandError, match="row 2: price is empty"):
        import_quotes(path)


@pytest.mark.parametrize(
    "content",
    [gzip.compress(b"time,price\n" + b"2024-01-02,1.25\n" * 99)[:-9], b"PAR1 and no more"],
    ids=["gzip", "parquet"],  # the same in each worker: gzip.compress writes the time
)
def test_corrupt_files_are_rejected(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken"
    path.write_bytes(content)
    with pytest.raises(CommandError, match=r"cannot be read"):
        import_quotes(path, on_duplicate="skip")
    assert not Instrument.objects.exists()


def test_standard_input_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with table(tmp_path, "2024-01-02,1.25").open() as file:
        monkeypatch.setattr(sys, "stdin", file)
        assert import_quotes("-")["imported"] == 1


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["missing.csv", "--symbol", "X", "--tick-size", "0.25"], "missing.csv: No such file"),
        (["-", "--symbol", "X", "--tick-size", "-1"], "'-1' is not a decimal number above 0"),
        (["-", "--symbol", "X", "--timezone", "Mars/Base"], "'Mars/Base' is not a time zone"),
        (["-"], "the following arguments are required: --symbol"),
    ],
)
def test_invalid_arguments_give_one_line_and_exit_code_2(
    capsys: pytest.CaptureFixture[str], arguments: list[str], complaint: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        Command().run_from_argv(["manage.py", "importquotes", *arguments])
    output, errors = capsys.readouterr()
    assert ended.value.code == 2
    assert complaint in errors
    assert errors.count("\n") == 1
    assert output == ""


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("20260131.csv", id="csv"),
        pytest.param("20260131.parquet", id="parquet"),
    ],
)
@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ((20260131, 20260201), "2026-01-31T00:00:00+00:00"),
        ((2026013109, 2026013110), "2026-01-31T09:00:00+00:00"),
        ((202601310930, 202601310931), "2026-01-31T09:30:00+00:00"),
        ((20260131093000, 20260131093001), "2026-01-31T09:30:00+00:00"),
        ((1767225600, 1767225601), "2026-01-01T00:00:00+00:00"),
        ((1767225600000, 1767225600001), "2026-01-01T00:00:00+00:00"),
    ],
)
def test_numbers_are_compact_dates_or_epochs(
    tmp_path: Path, path: str, times: tuple[int, int], expected: str
) -> None:
    if path.endswith("csv"):
        table(tmp_path, *(f"{time},1.25" for time in times), name=path)
    else:
        pq.write_table(pa.table({"time": times, "price": [1.25, 1.25]}), tmp_path / path)
    import_quotes(tmp_path / path)
    assert rows_of()[0][1] == expected


@pytest.mark.parametrize(
    "text", ["20260131T0930", "202601310930.0", "2.0260131093e+11", "20260131 09:30"]
)
def test_compact_dates_may_be_written_as_floats(text: str) -> None:
    assert Clock().read_one(text) == to_microseconds(datetime(2026, 1, 31, 9, 30, tzinfo=UTC))


def test_compact_dates_are_local_to_given_zone(tmp_path: Path) -> None:
    import_quotes(table(tmp_path, "202601310930,1.25"), timezone="America/New_York")
    assert rows_of() == [(1, "2026-01-31T14:30:00+00:00", 5)]


@pytest.mark.parametrize(
    ("times", "message"),
    [
        (
            ("1767225600", "2026013109"),
            r"line 3: time '2026013109' is both a count since 1970 and the date 2026-01-31 "
            r"09:00:00: give --time-format epoch-s or --time-format compact",
        ),
        (("1767225600.5", "2026013109.5"), r"line 3: time '2026013109.5' is both"),
        (("123456789000", "202601310930"), r"'202601310930' is both .* --time-format epoch-ms"),
        (("2026013109", "2026013160"), r"line 3: time '2026013160' is not a compact date"),
        (("202601310930", "2026-01-31T09:31"), r"'2026-01-31T09:31' is not a compact date"),
        (("2026-01-31T09:30", "202601310931"), r"'202601310931' is neither ISO 8601"),
        (("2026-01-31T09:30", "2026013101200"), r"'2026013101200' is neither ISO 8601"),
        (("2026-01-31", "2026-01-31-09:30"), r"'2026-01-31-09:30' is neither ISO 8601"),
    ],
)
def test_ambiguous_time_format_is_rejected(
    tmp_path: Path, times: tuple[str, str], message: str
) -> None:
    with pytest.raises(CommandError, match=message) as refused:
        import_quotes(table(tmp_path, *(f"{time},1.25" for time in times)))
    assert "\n" not in str(refused.value)
    assert not Quote.objects.exists()


@pytest.mark.parametrize(
    ("time_format", "text", "expected"),
    [
        ("epoch-s", "2026013109", "2034-03-15T05:25:09+00:00"),
        ("epoch-s", "-86400", "1969-12-31T00:00:00+00:00"),
        ("epoch-ms", "202601310930", "1976-06-02T22:08:30.930000+00:00"),
        ("epoch-ms", "345600000", "1970-01-05T00:00:00+00:00"),
        ("epoch-us", "20260131093000", "1970-08-23T11:48:51.093000+00:00"),
        ("compact", "2026013109", "2026-01-31T09:00:00+00:00"),
        ("iso", "20260131", "2026-01-31T00:00:00+00:00"),
    ],
)
def test_given_time_format_resolves_ambiguity(
    tmp_path: Path, time_format: str, text: str, expected: str
) -> None:
    import_quotes(table(tmp_path, f"{text},1.25"), time_format=time_format)
    assert rows_of() == [(1, expected, 5)]


@pytest.mark.parametrize(
    ("time_format", "text"),
    [("epoch-s", "2026-01-31"), ("compact", "1767225600"), ("iso", "1767225600")],
)
def test_time_not_in_given_format_is_rejected(tmp_path: Path, time_format: str, text: str) -> None:
    with pytest.raises(CommandError, match=rf"line 2: time '{text}' is n"):
        import_quotes(table(tmp_path, f"{text},1.25"), time_format=time_format)


@pytest.mark.parametrize(
    "text",
    [
        "9999-12-31",
        "2200-01-01",
        "2199-12-31T23:59:59-01:00",
        "1699-12-31T23:59:59Z",
        "0001-01-01T00:00:00+09:00",
        "7258118400",
        "7258118400000",
        "7258118400000000",
    ],
)
def test_times_outside_years_1700_to_2199_are_rejected(tmp_path: Path, text: str) -> None:
    with pytest.raises(CommandError, match=r"line 2: time .* is outside the years 1700 to 2199"):
        import_quotes(table(tmp_path, f"{text},1.25"))
    assert not Quote.objects.exists()


@pytest.mark.parametrize(
    ("text", "year"), [("1700-01-01", 1700), ("7258118399", 2199), ("2199-12-31T23:59:59Z", 2199)]
)
def test_first_and_last_year_are_accepted(text: str, year: int) -> None:
    assert from_microseconds(int(Clock().read([text])[0])).year == year


def test_spaces_around_times_and_prices_are_stripped(tmp_path: Path) -> None:
    import_quotes(table(tmp_path, " 1767225600 , 1.25 ", "1767225601\t,\t1.5"))
    assert [ticks for _, _, ticks in rows_of()] == [5, 6]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_utf_16_is_named_in_error(
    tmp_path: Path, encoding: str, pack: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / "quotes.csv"
    path.write_bytes(pack("time,price\n2024-01-02,1.25\n".encode(encoding)))
    with pytest.raises(CommandError, match="the file is UTF-16, not UTF-8: convert it"):
        import_quotes(path)


@pytest.mark.parametrize(
    ("price", "reason"),
    [
        ("1e-999999999", "an exponent beyond 99"),
        ("1e999999999", "an exponent beyond 99"),
        ("1e" + "9" * 5000, "an exponent beyond 99"),
        ("9" * 5000, "more than 100 characters"),
        ("340282366920938463463374607431768211457", "more than 2^53 ticks"),  # 2^128 + 1
        ("0." + "0" * 60 + "1", "not a multiple"),
        ("٣", "not a number"),
        ("0x10", "not a number"),
        ("1\0", "not a number"),
        ("-inf", "not a number"),
    ],
)
def test_malformed_prices_are_rejected(tmp_path: Path, price: str, reason: str) -> None:
    path = table(tmp_path, f"2024-01-02,{price}")
    with pytest.raises(CommandError, match=rf"line 2: price .*{re.escape(reason)}") as refused:
        import_quotes(path)
    assert len(str(refused.value)) < 400


NUMBERS = st.from_regex(r"[+-]?[0-9]{0,50}(\.[0-9]{0,50})?([eE][+-]?[0-9]{1,12})?", fullmatch=True)
"""Shaped like numbers, often with more digits or a larger exponent than 128 bits hold."""


@given(NUMBERS | st.text(max_size=5), st.sampled_from(["0.25", "0.00001", "5", "1E+2"]))
@example("1e-999999999", "0.25")
def test_price_parses_equally_in_column_and_alone(text: str, tick_size: str) -> None:
    lattice = Lattice(Decimal(tick_size))
    try:
        found = read_prices([text, text], lattice).tolist()
    except ValueError:
        return
    assert found == [read_price(text, lattice)] * 2


@given(
    st.integers(0, 10**18).map(str) | NUMBERS | st.text(max_size=5), st.sampled_from(TIME_FORMATS)
)
def test_time_parses_equally_in_column_and_alone(text: str, time_format: str) -> None:
    for given_format in (None, time_format):
        try:
            found = Clock(time_format=given_format).read([text, text]).tolist()
        except (ValueError, OverflowError):
            continue
        assert found == [Clock(time_format=given_format).read_one(text)] * 2


@given(
    st.lists(st.integers(1, 2**53), min_size=1), st.sampled_from(["0.25", "0.00001", "5", "1E+2"])
)
def test_prices_on_the_lattice_parse_to_their_ticks(ticks: list[int], tick_size: str) -> None:
    lattice = Lattice(Decimal(tick_size))
    texts = [f"{lattice.price(count):f}" for count in ticks]
    assert read_prices(texts, lattice).tolist() == ticks
    assert [read_price(text, lattice) for text in texts] == ticks


@pytest.mark.both_databases
def test_times_before_1970_are_accepted() -> None:
    crash = datetime(1929, 10, 29, tzinfo=UTC)
    assert Clock().read(["1929-10-29"]).tolist() == [to_microseconds(crash)]
