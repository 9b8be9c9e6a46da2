"""Rows as JSON, CSV and Arrow show the same numbers, exactly."""

import csv
import io
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.columns import Columns, arrow_blocks, csv_blocks, decimals, joined
from instruments.lattice import Lattice
from market.kinds import AT, SEQ, Column, Kind, Unit, record_dtype

FLOWS = Kind(
    name="flows",
    dtype=record_dtype(("ticks", np.int64), ("share", np.float64)),
    table="flows",
    columns=(SEQ, AT, Column("price", "ticks", Unit.PRICE), Column("share", "share", Unit.NUMBER)),
)
SHARES = [0.1, 1 / 3, 1e-300]


def flows(tick_size: str = "0.25") -> Columns:
    numbers = {
        "seq": np.array([1, 2, 3]),
        "at": np.array([1_767_251_000_000_001, 1_767_251_000_001_999, 1_767_251_000_002_000]),
        "ticks": np.array([1, 20_001, 2**40]),
        "share": np.array(SHARES),
    }
    return Columns(FLOWS, Lattice(Decimal(tick_size)), numbers)


def test_json_has_epoch_milliseconds_and_nearest_doubles() -> None:
    assert flows().rows()[1] == (2, 1_767_251_000_001, 5000.25, 1 / 3)


def test_csv_has_all_decimals_of_prices_and_all_digits_of_numbers() -> None:
    header, *lines = b"".join(csv_blocks(FLOWS, [flows("0.0000000001")])).decode().splitlines()
    assert header == "seq,at,price,share"
    assert lines[0] == "1,1767251000000,0.0000000001,0.1"
    assert [float(line.rsplit(",", 1)[1]) for line in lines] == SHARES


def test_arrow_has_microseconds_and_nearest_doubles() -> None:
    chunks = [flows().part(slice(2)), flows().part(slice(2, 3))]
    stream = pa.ipc.open_stream(io.BytesIO(b"".join(arrow_blocks(FLOWS, chunks))))
    assert [batch.num_rows for batch in stream] == [2, 1]
    table = joined(chunks).arrow()
    assert table["at"].cast(pa.int64()).to_pylist()[1] == 1_767_251_000_001_999
    assert table["price"].to_pylist() == [row[2] for row in flows().rows()]


def test_lots_are_shown_as_quantities_and_sides_by_name() -> None:
    columns = (Column("quantity", "lots", Unit.QUANTITY), Column("side", "side", Unit.SIDE))
    fills = Kind(
        name="fills",
        dtype=record_dtype(("lots", np.int64), ("side", np.int64)),
        table="fills",
        columns=columns,
    )
    numbers = {"lots": np.array([1, 1_500]), "side": np.array([1, -1])}
    found = Columns(fills, Lattice(Decimal("0.1"), Decimal("0.001")), numbers)
    assert found.rows() == [(0.001, "buy"), (1.5, "sell")]
    assert found.csv() == b"0.001,buy\n1.500,sell\n"
    assert found.arrow().to_pylist()[1] == {"quantity": 1.5, "side": "sell"}


def test_names_and_documents_are_shown_as_text_and_quoted_in_csv() -> None:
    kind = Column("kind", "kind", Unit.NAME, ((7, "spoofing"),))
    facts = Kind(
        name="facts",
        dtype=record_dtype(("kind", np.int64), ("data", object)),
        table="facts",
        columns=(kind, Column("data", "data", Unit.JSON)),
    )
    document = b'{"orders":[1,2]}'
    numbers = {"kind": np.array([7, 8]), "data": np.array([document, b"3"], dtype=object)}
    found = Columns(facts, Lattice(Decimal("0.1")), numbers)
    assert found.rows() == [("spoofing", {"orders": [1, 2]}), ("8", 3)]
    assert next(csv.reader(io.StringIO(found.csv().decode()))) == ["spoofing", document.decode()]
    assert found.arrow().to_pylist()[0] == {"kind": "spoofing", "data": document.decode()}


def test_empty_table_is_a_csv_header_and_an_empty_arrow_stream() -> None:
    empty = flows().part(slice(0))
    assert b"".join(csv_blocks(FLOWS, [empty])) == b"seq,at,price,share\n"
    stream = pa.ipc.open_stream(b"".join(arrow_blocks(FLOWS, [empty])))
    assert stream.read_all().num_rows == 0


@given(
    st.lists(st.integers(-(2**38), 2**38), min_size=1),
    st.sampled_from(["1", "0.25", "0.00001", "0.015625", "2.5", "0.0000000001"]),
)
def test_prices_as_text_and_as_numbers_equal_the_exact_decimals(
    ticks: list[int], tick_size: str
) -> None:
    lattice = Lattice(Decimal(tick_size))
    array = np.array(ticks)
    exact = [lattice.price(n) for n in ticks]
    assert [Decimal(str(text)) for text in decimals(array, lattice.prices).to_pylist()] == exact
    assert lattice.numbers(array).tolist() == pytest.approx(
        [float(price) for price in exact], abs=0
    )
