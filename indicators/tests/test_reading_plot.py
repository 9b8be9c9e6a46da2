import pytest
from django.template.loader import render_to_string

from indicators.catalogue import of_prices
from indicators.models import Reading
from indicators.templatetags.reading_plot import WIDTH, compact, reading_plot
from quotes.templatetags.numbers import minus


def test_domain_of_every_measure_contains_its_value_without_memory() -> None:
    for indicator in of_prices():
        low, high = indicator.domain
        assert indicator.null_value is not None
        assert low < indicator.null_value < high


def test_parts_are_placed_at_their_values() -> None:
    plot = reading_plot(
        Reading(indicator="persistence", value=0.5, low=0.4, high=0.6, null_low=-0.1, null_high=0.1,
                truth=0.55)
    )  # fmt: skip
    assert plot["estimate"] == 0.75 * WIDTH
    assert plot["interval"] == {"x": 70.0, "width": 10.0}
    assert plot["band"] == {"x": 45.0, "width": 10.0}
    assert plot["truth"] == 77.5


def test_values_outside_are_clamped_and_missing_ones_omitted() -> None:
    reading = Reading(indicator="hurst", value=3.0, truth=0.5)
    plot = reading_plot(reading)
    assert plot["estimate"] == WIDTH
    assert (plot["interval"], plot["band"], plot["truth"]) == (None, None, None)
    drawn = render_to_string("indicators/reading_plot.html", plot)
    assert "estimate-mark" in drawn
    assert "interval" not in drawn


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0"), (12_345.6, "12,346"), (-471.0, "-471"), (0.92557, "0.926"), (0.00812, "0.00812")],
)
def test_numbers_of_any_size_have_three_significant_digits(number: float, text: str) -> None:
    assert compact(number) == text
    assert compact(0.92557, 2) == "0.93"


@pytest.mark.parametrize(("number", "text"), [("-0.50", "\u22120.50"), ("1.2", "1.2")])
def test_negative_numbers_have_a_minus_sign(number: str, text: str) -> None:
    assert minus(number) == text
