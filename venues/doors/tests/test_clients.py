"""Who uses the doors: counted once, shown to staff."""

import pytest
from django.contrib.auth.models import User
from django.core.cache import caches
from django.test import Client

from rig.waiting import wait_until
from venues.bybit.tests.clients import Client as Bot
from venues.bybit.tests.clients import listed
from venues.deribit.tests import clients as clients_of_deribit
from venues.doors import sharedclients
from venues.doors.clients import FORGOTTEN_S, MOST_CLIENTS, Clients, Key, Use
from venues.doors.sharedclients import CACHE, SharedClients

KEY = Key("bybit", "1.2.3.4", "bot")


class Clock:
    now = 1_000.0

    def __call__(self):
        return self.now


def test_requests_and_refusals_are_counted_with_what_is_left_of_limits():
    found = Clients()
    found.request(KEY, limits={"create": Use(10, 9)})
    found.request(KEY, refusal="10006: Too many visits", limits={"amend": Use(10, 0)})
    (client,) = found.listed()
    assert (client.requests, client.refused, client.refusal) == (2, 1, "10006: Too many visits")
    assert client.limits == {"create": (10, 9), "amend": (10, 0)}


def test_a_connection_belongs_to_nobody_until_it_logs_in():
    found = Clients()
    found.connect("c", "bybit", "1.2.3.4")
    assert [each.key.account for each in found.listed() if each.connections] == [""]
    found.identify("c", "bot")
    assert [each.key for each in found.listed() if each.connections] == [KEY]
    found.disconnect("c")
    found.disconnect("c")
    assert not any(each.connections for each in found.listed())


def test_the_silent_are_forgotten_and_the_connected_are_not():
    clock = Clock()
    found = Clients(clock)
    found.request(KEY)
    found.connect("c", "bybit", "5.6.7.8")
    clock.now += FORGOTTEN_S
    assert [each.key.address for each in found.listed()] == ["5.6.7.8"]
    for number in range(MOST_CLIENTS + 5):
        found.request(Key("bybit", str(number), ""))
    listed = found.listed()
    assert len(listed) == MOST_CLIENTS
    assert any(each.connections for each in listed)


def test_processes_show_their_clients_to_each_other():
    one, other = Clients(), Clients()
    shared = [SharedClients(each, name) for each, name in ((one, "one"), (other, "other"))]
    try:
        one.request(KEY, refusal="10006: Too many visits")
        one.connect("c", "bybit", "5.6.7.8")
        other.request(KEY, limits={"create": Use(10, 9)})
        shared[0].publish()
        listed, processes = shared[1].everyone()
        assert processes == 2
        (client,) = [each for each in listed if each.key == KEY]
        assert (client.requests, client.refused) == (2, 1)
        assert client.refusal == "10006: Too many visits"
        assert client.limits == {"create": (10, 9)}
        assert [each.connections for each in listed if each.key.address == "5.6.7.8"] == [1]
    finally:
        caches[CACHE].clear()


def test_changes_are_shown_soon(monkeypatch):
    monkeypatch.setattr(sharedclients, "SOON_S", 0.02)
    own = Clients()
    shared, other = SharedClients(own, "one"), SharedClients(Clients(), "other")
    shared.start()
    try:
        own.request(KEY)
        wait_until(lambda: other.everyone()[0], "the client is shown", 60)
    finally:
        caches[CACHE].clear()


@pytest.fixture
def staff(db):
    browser = Client()
    browser.force_login(User.objects.create_user("boss", is_staff=True))
    return browser


@pytest.mark.django_db
def test_the_page_shows_the_requests_of_a_bot(staff):
    listed()
    bot = Bot()
    bot.get("/v5/account/info")
    assert bot.post("/v5/order/create", category="linear")["retCode"] == 10001
    page = staff.get("/venues/clients/").content.decode()
    row = page[page.index('data-client="bybit bot a"') :]
    row = row[: row.index("</tr>")]
    assert "10001: params error" in row
    assert "create 9 of 10" in row
    assert bot.secret not in page


@pytest.mark.django_db
def test_refusals_of_deribit_are_those_of_the_account(staff):
    clients_of_deribit.listed()
    bot = clients_of_deribit.Client()
    assert bot.refused("private/buy", instrument_name="NOPE")[0] == 13020
    page = staff.get("/venues/clients/").content.decode()
    row = page[page.index('data-client="deribit bot a"') :]
    assert "&#x27;NOPE&#x27; does not exist" in row[: row.index("</tr>")]


@pytest.mark.django_db
def test_the_page_is_for_staff(client, settings):
    settings.DEBUG = False
    answer = client.get("/venues/clients/")
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/admin/login/")
