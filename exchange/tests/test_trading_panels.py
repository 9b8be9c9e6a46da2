"""What the server puts into the page of an instrument with a book."""

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django.fixtures import Settings

from exchange.accounts.opening import open_account
from exchange.tests.clients import listed
from rig.histories import make_instrument

pytestmark = pytest.mark.django_db
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
    open_account(name="second", balance=0, owner=user)
    assert 'data-account=""' in body(client)  # which of them, only a program can say


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
    assert "trading" not in page.lower().replace("tradingview", "")
