"""The chart of an order: its range, its levels and its fills."""

from trading.pages.pricechart import HEIGHT, WIDTH, Traded, price_chart

CLOSES = [(0.0, 100), (60.0, 110), (120.0, 105)]


def test_closes_span_the_width_and_levels_near_them_widen_the_range() -> None:
    chart = price_chart(CLOSES, {"limit": 95}, [], str)
    assert chart is not None
    assert (chart.low, chart.high) == ("95", "110")
    points = [tuple(map(float, point.split(","))) for point in chart.points.split()]
    assert [x for x, _ in points] == [0.0, WIDTH / 2, WIDTH]
    assert points[1][1] < points[2][1] < points[0][1] < HEIGHT
    assert float(chart.levels[0].y) > points[0][1]


def test_a_level_far_away_is_named_but_not_drawn() -> None:
    chart = price_chart(CLOSES, {"limit": 5}, [], str)
    assert chart is not None
    assert (chart.low, chart.levels[0].price, chart.levels[0].y) == ("100", "5", "")


def test_fills_of_the_last_minute_are_at_the_right_edge_and_older_ones_are_left_out() -> None:
    fills = [Traded(-1.0, 105, True), Traded(60.0, 105, True), Traded(170.0, 100, False)]
    chart = price_chart(CLOSES, {}, fills, str)
    assert chart is not None
    assert [(x, is_buy) for x, _, is_buy in chart.fills] == [("300.0", True), ("600.0", False)]


def test_fills_between_the_closes_and_the_extremes_of_a_minute_widen_the_range() -> None:
    fills = [Traded(60.0, 112, True), Traded(60.0, 500, True), Traded(-1.0, 95, True)]
    chart = price_chart(CLOSES, {}, fills, str)
    assert chart is not None
    assert (chart.low, chart.high, len(chart.fills)) == ("100", "112", 1)


def test_a_price_that_stood_still_is_a_line_and_one_close_is_no_chart() -> None:
    chart = price_chart([(0.0, 100), (60.0, 100)], {}, [], str)
    assert chart is not None
    assert (chart.low, chart.high) == ("99", "101")
    assert price_chart([(0.0, 100)], {}, [], str) is None
