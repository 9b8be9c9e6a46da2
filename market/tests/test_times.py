from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.times import (
    EARLIEST,
    LATEST,
    compact_date,
    from_microseconds,
    parse_moment,
    to_microseconds,
)


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-31T09:30:00Z",
        "2026-01-31t09:30:00z",
        "2026-01-31 09:30",
        "2026-01-31T10:30:00.000+01:00",
        "20260131T0930",
        "1769851800000",
    ],
)
def test_rfc_3339_and_epoch_milliseconds_give_the_same_time(text: str) -> None:
    assert from_microseconds(parse_moment(text)) == datetime(2026, 1, 31, 9, 30, tzinfo=UTC)


@given(st.integers(EARLIEST // 1000, LATEST // 1000))
def test_epoch_milliseconds_round_trip(ms: int) -> None:
    assert parse_moment(str(ms)) == ms * 1000


@given(st.integers(EARLIEST, LATEST))
def test_microseconds_round_trip_through_iso_format(at: int) -> None:
    assert parse_moment(from_microseconds(at).isoformat()) == at


@pytest.mark.parametrize(
    "text",
    [
        "1699-12-31T23:59:59Z",
        "2200-01-01",
        "9999-12-31",
        "7258118400000",
        "-8520336000001",
    ],
)
def test_times_outside_supported_years_are_rejected(text: str) -> None:
    with pytest.raises(ValueError, match=f"'{text[:4]}.* is outside the years 1700 to 2199"):
        parse_moment(text)


@pytest.mark.parametrize(
    "text",
    ["", "-", "soon", "+5", "٣", "1.5", "1e9", "2026-13-01", "2026-01-31-09:30", "2026-01-31109:30",
     "2026-01-31T09:30:60Z", "2026-W05-6", "9" * 5000],
)  # fmt: skip
def test_invalid_time_is_rejected_with_valid_examples(text: str) -> None:
    with pytest.raises(ValueError, match="is not a time: use RFC 3339 such as") as refused:
        parse_moment(text)
    assert len(str(refused.value)) < 200


@pytest.mark.parametrize(
    ("digits", "date"),
    [
        ("20260131", "2026-01-31T00:00:00"),
        ("2026013109", "2026-01-31T09:00:00"),
        ("202601310930", "2026-01-31T09:30:00"),
        ("20260131093059", "2026-01-31T09:30:59"),
        ("21001231", "2100-12-31T00:00:00"),
        ("1767225600", None),
        ("20260231", None),
        ("2026013160", None),
        ("21010101", None),
        ("18991231", None),
        ("2026013", None),
        ("2026013109300", None),
        ("٢٠٢٦٠١٣١", None),
    ],
)
def test_compact_dates_are_recognised(digits: str, date: str | None) -> None:
    found = compact_date(digits)
    assert (found and found.isoformat()) == date


def test_microseconds_and_datetimes_convert_exactly() -> None:
    at = datetime(1929, 10, 29, 0, 0, 0, 1, tzinfo=UTC)
    assert from_microseconds(to_microseconds(at)) == at
