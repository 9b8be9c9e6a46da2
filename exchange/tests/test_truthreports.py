"""Reports of the truth, and how they are drawn."""

import re
from dataclasses import replace

import numpy as np
import pytest
from django.template.loader import render_to_string

from exchange.flow.parameters import FlowParameters
from exchange.templatetags.truth_plots import deviation_plot, figure, interval, label, truth_plot
from exchange.tests.test_truth import books_with, sample_with
from exchange.truth.estimates import Estimate
from exchange.truth.reports import Plot, Point, agrees, report


@pytest.fixture(scope="module")
def sample():
    return sample_with(0.4, 0.3, 2_000)


@pytest.fixture(scope="module")
def books():
    return books_with(0.4, 0.3, 2_000)


def test_a_report_compares_trades_and_books_with_the_truth(sample, books):
    found = report(sample, books)
    names = [group.name for group in found.groups]
    assert names == ["price", "signature", "signs", "response", "costs", "spread", "depth"]
    assert found.differing == 0
    assert len(found.rows) > 25
    assert (found.market_orders, found.books) == (len(sample.side), len(books.slot))


def test_without_informed_flow_predictions_and_runs_are_exact():
    found = report(sample_with(0.4, 0.0, 2_000), None)
    names = [group.name for group in found.groups]
    assert names == ["price", "signature", "signs", "runs", "response", "costs", "prediction"]
    assert found.differing == 0
    assert found.naive is None
    rows = {row.name: row for _, row in found.rows}
    assert rows["favoured side is right"].exact == pytest.approx(0.7)


def test_the_naive_predictor_claims_more_than_it_reaches(sample):
    naive = report(sample, None).naive
    assert naive.slots == len(sample.phi) - 1
    assert naive.claimed > naive.reached + 0.01


def test_few_books_tell_nothing(sample, books):
    few = replace(books, slot=books.slot[:20], lots=books.lots[:20], spread=books.spread[:20])
    found = report(sample, few)
    assert found.books == 20
    assert "depth" not in [group.name for group in found.groups]


def test_the_exponent_of_impact_is_known_for_the_default_depth_only(sample, books):
    flat = replace(books, parameters=FlowParameters(i0=5.0))
    rows = [row.name for _, row in report(sample, flat).rows]
    assert "lots at level 50" in rows
    assert not any("exponent" in name for name in rows)


def test_a_wrong_truth_is_noticed(sample, books):
    wrong = replace(sample, phi=sample.phi + 0.2, kappa=sample.kappa - 0.2)
    differing = {group.name for group, row in report(wrong, None).rows if not agrees(row)}
    assert {"price", "signature", "response", "costs"} <= differing
    shallow = replace(books, lots=books.lots // 2)
    assert "depth" in {group.name for group, row in report(sample, shallow).rows if not agrees(row)}


def test_points_have_the_rows_of_their_group(sample):
    (signature,) = (group for group in report(sample, None).groups if group.name == "signature")
    assert [point.x for point in signature.plot.points] == [2, 5, 10, 50]
    for point, row in zip(signature.plot.points, signature.rows, strict=True):
        assert point[1:3] == (row.estimate, row.exact)
        assert point.error == 4 * row.standard_error


def test_figures_have_four_digits():
    numbers = (0, 1.0, -0.08851, 0.000123, 562.46, 12_345.6)
    assert [figure(n) for n in numbers] == [
        "0", "1.000", "\u22120.0885", "0.0001", "562.5", "12,346",
    ]  # fmt: skip
    row = Estimate("sign autocorrelation, lag 5", 0.5, 0.4, 0.01)
    assert (label(row), interval(row)) == ("lag 5", "0.0400")


def test_a_deviation_is_drawn_in_standard_errors():
    plot = deviation_plot(Estimate("a", 1.3, 1.0, 0.1))
    assert plot == {
        "width": 100.0, "exact": 49.0, "band": {"x": 16.7, "width": 66.6}, "estimate": 74.0,
    }  # fmt: skip
    assert deviation_plot(Estimate("a", 9.0, 1.0, 0.0))["estimate"] == 99.0


@pytest.mark.parametrize("is_log", [True, False])
def test_points_are_drawn_where_their_values_are(is_log):
    points = [Point(1, 0.0, 0.5, 1.0), Point(10, 1.0, 2.0, 1.0), Point(100, 2.0, 3.0, 1.0)]
    drawn = truth_plot(Plot("x", "y", points, is_log))
    marks = drawn["marks"]
    assert [mark["y"] for mark in marks] == [99.5, 69.0, 38.5]  # from -1 at 130 to 3 at 8
    assert (marks[0]["low"], marks[0]["high"]) == (130.0, 69.0)
    assert [mark["x"] for mark in marks] == [46.0, 179.0 if is_log else 70.2, 312.0]
    assert drawn["exact"].endswith("312.0,8.0")
    assert not drawn["line"]
    assert [at["text"] for at in drawn["x_labels"]] == ["1", "100"]
    text = render_to_string("exchange/truth_plot.html", drawn)
    assert len(re.findall("<circle", text)) == 3


def test_many_points_are_drawn_as_a_line():
    points = [Point(x, x / 2, x / 3, 0.0) for x in range(1, 101)]
    drawn = truth_plot(Plot("x", "y", points))
    assert not drawn["marks"]
    assert len(drawn["line"].split()) == 100


def test_equal_values_are_drawn_on_a_line():
    points = [Point(1, 2.0, 2.0, 0.0), Point(1, 2.0, 2.0, 0.0)]
    assert np.isfinite([mark["y"] for mark in truth_plot(Plot("x", "y", points))["marks"]]).all()
