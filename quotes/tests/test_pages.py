from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.checks import run_checks
from django.template.loader import render_to_string
from django.test import Client

from instruments.models import Instrument
from market.keys import row_key
from market.timeframes import TIMEFRAMES
from quotes.models import Candle, Quote
from quotes.pages.sparkline import HEIGHT, WIDTH, points

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]
NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


def make_instrument(symbol: str, **fields: Any) -> Instrument:
    values = {"name": f"{symbol} future", "tick_size": Decimal("0.25")} | fields
    return Instrument.objects.create(symbol=symbol, **values)


def store_history(instrument: Instrument, closes: list[int], last: int) -> None:
    """Store a 15-minute candle per close up to NOON, and the tick `last` at NOON."""
    for index, close in enumerate(reversed(closes)):
        Candle.objects.create(
            instrument=instrument,
            timeframe=TIMEFRAMES["15m"],
            opened_at=NOON - (index + 1) * timedelta(minutes=15),
            **dict.fromkeys(("open", "high", "low", "close"), close),
            first_seq=1,
            last_seq=1,
            count=1,
        )
    Quote.objects.create(
        id=row_key(instrument.pk, 7), instrument=instrument, seq=7, at=NOON, ticks=last
    )


def body(client: Client, path: str, status: int = 200) -> str:
    response = client.get(path)
    assert response.status_code == status
    return response.content.decode()


def test_row_shows_price_change_and_last_seq(client: Client) -> None:
    store_history(make_instrument("ES"), closes=[20_000, 20_010], last=20_100)
    page = body(client, "/")
    assert 'data-symbol="ES" data-last-seq="7" data-precision="2" data-base="5000.00"' in page
    assert '<span class="last">5025.00</span>' in page
    assert '<span class="percent">+0.50 %</span><span class="absolute">+25.00</span>' in page
    assert 'data-direction="up"' in page
    assert '<polyline points="' in page
    assert 'href="/instruments/ES/"' in page


def test_falling_price_has_a_minus_sign(client: Client) -> None:
    store_history(make_instrument("ES"), closes=[20_000], last=19_900)
    page = body(client, "/")
    assert "\N{MINUS SIGN}0.50 %" in page
    assert "\N{MINUS SIGN}25.00" in page
    assert 'data-direction="down"' in page


def test_change_covers_24_hours_before_last_tick(client: Client) -> None:
    store_history(make_instrument("ES"), closes=[10_000, *[20_000] * 96], last=20_000)
    page = body(client, "/")
    assert 'data-base="5000.00"' in page
    assert 'data-direction="flat"' in page


def test_instrument_without_quotes_has_a_row_without_numbers(client: Client) -> None:
    make_instrument("NQ")
    page = body(client, "/")
    assert 'data-symbol="NQ" data-last-seq="0" data-precision="2" data-base=""' in page
    assert "<polyline" not in page


def test_prices_have_all_decimals_of_tick_size(client: Client) -> None:
    store_history(make_instrument("EURUSD", tick_size=Decimal("0.00001")), [110_000], 110_010)
    assert '<span class="last">1.10010</span>' in body(client, "/")


def test_watchlist_query_count_does_not_depend_on_instruments(
    client: Client, django_assert_num_queries: Any
) -> None:
    for number in range(12):
        store_history(make_instrument(f"F{number}"), closes=[20_000], last=20_100)
    with django_assert_num_queries(5):  # count, page, last quotes' keys, last quotes, candles
        body(client, "/")


@pytest.mark.parametrize(
    "path", ["/nothing/", "/nothing", "/instruments/ES/nothing", "/laboratory/x/"]
)
def test_unknown_page_gets_an_html_404(client: Client, path: str) -> None:
    page = body(client, path, 404)
    assert f"There is no page {path}." in page
    assert 'id="not-found"' in page


@pytest.mark.parametrize("path", ["/api/v1/", "/api/v1/nothing/", "/udf/", "/udf/symbol_info"])
def test_unknown_api_address_gets_a_json_problem(client: Client, path: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")
    assert answer.json()["detail"].startswith(f"there is nothing at {path}")


def test_missing_trailing_slash_redirects(client: Client) -> None:
    for path in ("/status", "/instruments/ES", "/admin", "/api/v1/instruments"):
        response = client.get(f"{path}?a=1")
        assert (response.status_code, response["Location"]) == (301, f"{path}/?a=1")


def test_empty_watchlist_explains_how_to_start(client: Client) -> None:
    assert "manage.py seedinstruments" in body(client, "/")


def test_names_are_escaped(client: Client) -> None:
    make_instrument("ES", name="<script>alert(1)</script>")
    for path in ("/", "/instruments/ES/"):
        page = body(client, path)
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_instrument_page_lists_timeframes_and_marks_the_current_one(
    client: Client,
) -> None:
    store_history(make_instrument("ES"), closes=[20_000], last=20_100)
    page = body(client, "/instruments/ES/?timeframe=4h")
    for name in TIMEFRAMES:
        assert f'href="?timeframe={name}" data-timeframe="{name}"' in page
    assert 'data-timeframe="4h" aria-current="true"' in page
    assert page.count('aria-current="true"') == 1
    assert 'id="chart" data-candles="0" data-timeframe="4h"' in page
    assert 'data-last-seq="7" data-precision="2" data-tick-size="0.25"' in page


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/instruments/XX/", "There is no instrument XX."),
        ("/instruments/ES/?timeframe=2m", "There is no timeframe 2m; use one of 1m, 5m,"),
        ("/instruments/%3Cb%3E/", "There is no instrument &lt;b&gt;."),
    ],
)
def test_unknown_instrument_or_timeframe_gets_an_html_404(
    client: Client, path: str, reason: str
) -> None:
    make_instrument("ES")
    page = body(client, path, status=404)
    assert reason in page
    assert "css/pages.css" in page
    assert 'href="/"' in page


def test_only_valid_theme_cookies_are_rendered(client: Client) -> None:
    assert "data-theme" not in body(client, "/")
    client.cookies["theme"] = "dark"
    assert '<html lang="en" data-theme="dark">' in body(client, "/")
    client.cookies["theme"] = "x onload=1"
    assert "onload" not in body(client, "/")


def test_pages_have_no_inline_script_or_style(client: Client) -> None:
    store_history(make_instrument("ES"), closes=[20_000, 20_010], last=20_100)
    for path in ("/", "/instruments/ES/"):
        page = body(client, path)
        assert "style=" not in page
        assert "<style" not in page
        assert page.count("<script") == page.count('<script type="module" src="')


def test_error_page_renders_without_context() -> None:
    assert "its log says why" in render_to_string("500.html")


@pytest.mark.parametrize("values", [[], [5]])
def test_sparkline_needs_two_closes(values: list[int]) -> None:
    assert points(values) == ""


def test_sparkline_fills_its_box() -> None:
    assert points([10, 30, 20]) == f"0.0,30.0 {WIDTH / 2:.1f},2.0 {WIDTH:.1f},16.0"
    assert points([5, 5]) == f"0.0,{HEIGHT / 2:.1f} {WIDTH:.1f},{HEIGHT / 2:.1f}"


def test_missing_chart_library_warns_with_a_hint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "VENDORED_JAVASCRIPT", tmp_path)
    (message,) = [found for found in run_checks() if found.id == "quotes.W001"]
    assert "make setup" in str(message.hint)
    library = tmp_path / "lightweight-charts"
    library.mkdir()
    (library / "lightweight-charts.standalone.production.mjs").touch()
    assert not [found for found in run_checks() if found.id == "quotes.W001"]
