"""What the server puts into the page of an instrument with a book."""

from html import unescape

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django.fixtures import Settings

from exchange.accounts.opening import open_account
from exchange.tests.clients import listed
from rig.histories import make_instrument

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]
PAGE = "/instruments/ES/"


def body(client: Client, path: str = PAGE) -> str:
    return client.get(path).content.decode()


def test_visitor_is_offered_a_practice_account(client: Client, settings: Settings) -> None:
    listed("ES")
    settings.PRACTICE_ACCOUNTS = True
    page = body(client)
    assert 'data-account=""' in page
    assert "Trade here with 10,000 of simulated money." in page
    settings.PRACTICE_ACCOUNTS = False
    page = body(client)
    assert 'id="practice"' not in page
    assert "Practice accounts are switched off on this site." in page


def test_page_begins_with_the_account_of_the_session(client: Client) -> None:
    listed("ES")
    user = User.objects.create_user("u")
    open_account(name="mine", balance=0, owner=user)
    client.force_login(user)
    page = body(client)
    assert 'data-account="mine"' in page
    assert 'id="opening" hidden' in page


def test_owner_of_several_accounts_chooses_one_for_the_browser_session(client: Client) -> None:
    listed("ES")
    user = User.objects.create_user("u")
    for name in ("mine", "my second"):
        open_account(name=name, balance=0, owner=user)
    open_account(name="others", balance=0)
    client.force_login(user)
    page = body(client)
    assert 'data-account=""' in page
    assert "You have several accounts." in page
    for option in ('value="">Choose an account', ">mine", ">my second"):
        assert f"<option{' ' if option.startswith('v') else ''}{option}</option>" in page
    client.cookies["account"] = "my%20second"
    page = body(client)
    assert 'data-account="my second"' in page
    assert "<option selected>my second</option>" in page
    client.cookies["account"] = "others"
    assert 'data-account=""' in body(client)


def test_page_knows_the_sizes_of_all_books_and_the_margin_rules(client: Client) -> None:
    listed("ES")
    make_instrument("NQ")  # without a book
    page = unescape(body(client))
    assert 'data-books="{"ES": {"tickSize": "0.25", "lotSize": "1", "precision": 2}}"' in page
    assert 'data-margin="{"leverage": 10, "tiers": [{"limit": 2000000, "leverage": 100}' in page


def test_buttons_that_need_scripts_are_disabled_until_these_run(
    client: Client, settings: Settings
) -> None:
    listed("ES")
    settings.PRACTICE_ACCOUNTS = True
    page = body(client)
    for button in ('id="practice" disabled', 'value="buy" disabled', 'value="sell" disabled'):
        assert button in page


def test_page_needs_javascript_to_trade(client: Client) -> None:
    listed("ES")
    assert "<noscript><p" in body(client)
    assert "Trading on this page needs JavaScript." in body(client)


def test_instrument_without_book_has_no_panels(client: Client) -> None:
    make_instrument("NQ")
    page = body(client, "/instruments/NQ/")
    assert 'id="trading"' not in page
    for file in ("css/trading.css", "js/trading/"):
        assert file not in page
