import pytest

from market.integers import parse_integer


@pytest.mark.parametrize(
    ("text", "number"), [("0", 0), ("007", 7), ("-5", -5), ("9" * 18, 10**18 - 1)]
)
def test_decimal_digits_within_bounds_are_parsed(text: str, number: int) -> None:
    assert parse_integer(text, -10, 10**18) == number


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-",
        "11",
        "-11",
        "+5",
        " 5",
        "5 ",
        "5\n",
        "1_0",
        "1.0",
        "1e1",
        "0x5",
        "٣",
        "²",
        "5\0",
    ],
)
def test_error_names_value_and_bounds(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a whole number from -10 to 10$") as refused:
        parse_integer(text, -10, 10)
    assert str(refused.value).startswith(repr(text))


def test_sign_is_rejected_when_bounds_exclude_negatives() -> None:
    with pytest.raises(ValueError, match="'-0' is not a whole number from 0 to 10"):
        parse_integer("-0", 0, 10)


def test_million_digits_are_rejected_with_a_short_message() -> None:
    with pytest.raises(ValueError, match="is not a whole number") as refused:
        parse_integer("9" * 1_000_000, 0, 10)
    assert len(str(refused.value)) < 150
