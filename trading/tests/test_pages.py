"""Pages of bots: roles, forms, filters; the screener."""

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from exchange.tests.clients import listed
from instruments.models import Instrument
from journal.models import Lease
from trading import killing
from trading.configuring import configure
from trading.models import AuditEntry, Bot, BotConfiguration, KillSwitch
from trading.pages.paging import SHOWN
from trading.pages.screener import Screened, ordered, screened
from trading.roles import ADMINS, TRADERS
from trading.tests.bots import NOW, bot, order, position
from trading.tests.running import now
from trading.tests.test_bots_api import member

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]
CONFIGURATION = {"strategy": "imbalance", "symbols": ["ES"]}
PRIVATE = ["", "orders/", "positions/", "risk/", "recovery/", "audit/"]


@pytest.fixture
def trader() -> Client:
    return member("trader", TRADERS)


@pytest.fixture
def mine(trader: Client) -> Bot:
    asked = {"name": "maker", "account": "of trader", "on_death": "keep"}
    assert trader.post("/trading/", asked).status_code == 302
    return Bot.objects.get()


def text(answer: Any) -> str:
    return str(answer.content.decode())


@pytest.mark.parametrize("path", PRIVATE)
def test_private_pages_lead_to_the_login(path: str) -> None:
    answer = Client().get(f"/trading/{path}")
    assert (answer.status_code, answer["Location"]) == (302, f"/login/?next=/trading/{path}")


def test_a_button_without_a_login_leads_to_a_page_after_it() -> None:
    answer = Client().post("/trading/bots/1/start/")
    assert (answer.status_code, answer["Location"]) == (302, "/login/?next=/trading/")


def test_a_login_leads_back_and_a_logout_to_the_watchlist() -> None:
    User.objects.create_user("me", password="of-a-test")
    client = Client()
    form = {"username": "me", "password": "wrong", "next": "/trading/risk/"}
    assert "is wrong" in text(client.post("/login/", form))
    answer = client.post("/login/", {**form, "password": "of-a-test"})
    assert (answer.status_code, answer["Location"]) == (302, "/trading/risk/")
    assert client.get("/trading/risk/").status_code == 200
    assert client.post("/logout/")["Location"] == "/"
    outside = client.post(
        "/login/", {"username": "me", "password": "of-a-test", "next": "https://evil.example/"}
    )
    assert outside["Location"] == "/trading/"


def test_the_form_says_what_becomes_of_orders_and_positions(trader: Client) -> None:
    form = text(trader.get("/trading/"))
    for shown in (
        "keep its orders",
        "cancel its orders",
        "cancel its orders and close its positions",
    ):
        assert f">{shown}</option>" in form


def test_a_bot_on_paper_needs_no_account_and_taken_accounts_are_not_offered(
    trader: Client, mine: Bot
) -> None:
    assert "<option>of trader</option>" not in text(trader.get("/trading/"))
    asked = {"name": "on-paper", "account": "paper:", "balance": "-5", "on_death": "keep"}
    refused = trader.post("/trading/", asked)
    assert (refused.status_code, "balance" in text(refused)) == (400, True)
    assert trader.post("/trading/", {**asked, "balance": ""}).status_code == 302
    made = Bot.objects.get(name="on-paper")
    assert (made.broker, made.account) == ("paper", None)
    assert ">on paper<" in text(trader.get(f"/trading/bots/{made.pk}/"))
    assert ">on paper</td>" in text(trader.get("/trading/"))


@pytest.mark.parametrize("path", PRIVATE)
def test_pages_show_ones_own_bots_only(mine: Bot, path: str) -> None:
    order(position(mine, listed("ES")), "client-7")
    assert "maker" not in text(member("viewer").get(f"/trading/{path}"))
    if path not in ("recovery/", "audit/"):
        assert "maker" in text(member("root", ADMINS).get(f"/trading/{path}"))


def test_a_bot_is_configured_and_started_on_its_page(trader: Client, mine: Bot) -> None:
    listed("ES")
    page = f"/trading/bots/{mine.pk}/"
    bad = trader.post(page, {"configuration": '{"strategy": "x", "symbols": ["ES"]}'})
    assert bad.status_code == 400
    assert "is not known: use one of imbalance" in text(bad)
    assert trader.post(page, {"configuration": "{"}).status_code == 400
    assert not BotConfiguration.objects.exists()
    assert trader.post(page, {"configuration": json.dumps(CONFIGURATION)}).status_code == 302
    assert BotConfiguration.objects.get().parameters == CONFIGURATION
    trader.post(f"{page}start/")
    assert "starting" in text(trader.get(page))
    trader.post(f"{page}stop/")
    assert "stopped" in text(trader.get(page))
    assert Bot.objects.get().on_death == 0


def test_the_kill_switch_is_a_button(trader: Client, mine: Bot) -> None:
    page = f"/trading/bots/{mine.pk}/"
    assert "The kill switch is on" in text(trader.post(f"{page}kill/", follow=True))
    assert "Release the kill switch" in text(trader.get(page))
    trader.post(f"{page}release/")
    assert not KillSwitch.objects.on().exists()
    assert trader.post("/trading/switch/kill/").status_code == 403
    admin = member("root", ADMINS)
    assert "nothing is opened" in text(admin.post("/trading/switch/kill/", follow=True))
    admin.post("/trading/switch/release/")
    assert not KillSwitch.objects.on().exists()


def test_viewers_change_nothing_and_others_do_not_exist(mine: Bot) -> None:
    entries = AuditEntry.objects.count()
    owner = User.objects.get(username="trader")
    owner.groups.clear()
    viewer = Client()
    viewer.force_login(owner)
    other = member("other", TRADERS)
    for path in ("start/", "stop/", "kill/", "release/", "recover/", ""):
        target = f"/trading/bots/{mine.pk}/{path}"
        assert viewer.post(target, {"configuration": "{}"}).status_code == 403
        assert other.post(target, {"configuration": "{}"}).status_code == 404
    assert viewer.post("/trading/", {"name": "x"}).status_code == 403
    assert viewer.post("/trading/risk/", {"limits": "{}"}).status_code == 403
    assert AuditEntry.objects.count() == entries


def test_orders_are_filtered_and_shown_in_detail(trader: Client, mine: Bot) -> None:
    placed = order(position(mine, listed("ES")), "client-7")
    for query, is_shown in (
        ("", True),
        ("state=working", True),
        ("state=filled", False),
        ("symbol=ES&sort=-quantity", True),
        ("sort=nonsense&page=nonsense", True),
        ("page=2", False),
        ("symbol=%00", False),
        ("state=nonsense", False),
    ):
        assert ("client-7" in text(trader.get(f"/trading/orders/?{query}"))) is is_shown, query
    assert 'href="?symbol=ES&amp;sort=-quantity"' in text(trader.get("/trading/orders/?symbol=ES"))
    detail = text(trader.get(f"/trading/orders/{placed.pk}/"))
    assert "data-profit" in detail
    assert "The venue has not answered yet." in detail
    assert trader.get("/trading/orders/99999/").status_code == 404
    assert trader.get("/trading/orders/x/").status_code == 404


def test_long_lists_have_pages(trader: Client, mine: Bot) -> None:
    held = position(mine, listed("ES"))
    for number in range(SHOWN + 1):
        order(held, f"client-{number}")
    first = text(trader.get("/trading/orders/?state=pending"))
    assert (f"client-{SHOWN}<" in first, "client-0<" in first) == (True, False)
    assert 'href="?state=pending&amp;page=2"' in first
    second = text(trader.get("/trading/orders/?state=pending&page=2"))
    assert ("client-0<" in second, "Next page" in second) == (True, False)


def test_refreshing_a_page_leaves_messages_to_the_next_one(trader: Client, mine: Bot) -> None:
    page = f"/trading/bots/{mine.pk}/"
    trader.post(f"{page}start/")
    assert "has none yet" not in text(trader.get(page, headers={"X-Refresh": "1"}))
    assert "has none yet" in text(trader.get(page))


def test_a_page_says_which_role_an_action_needs(mine: Bot) -> None:
    User.objects.get(username="trader").groups.clear()
    viewer = Client()
    viewer.force_login(User.objects.get(username="trader"))
    refused = viewer.post(f"/trading/bots/{mine.pk}/start/")
    assert refused.status_code == 403
    assert "needs the role trader, and trader is viewer" in text(refused)


def test_a_password_is_changed_on_its_page() -> None:
    user = User.objects.create_user("me", password="of-a-test")
    client, elsewhere = Client(), Client()
    assert client.get("/password/")["Location"] == "/login/?next=/password/"
    for each in (client, elsewhere):
        each.force_login(user)
    new = {"new_password1": "quite-another-1", "new_password2": "quite-another-1"}
    wrong = client.post("/password/", {"old_password": "guess", **new})
    assert "not your present password" in text(wrong)
    done = client.post("/password/", {"old_password": "of-a-test", **new}, follow=True)
    assert "Your password is changed" in text(done)
    assert elsewhere.get("/trading/").status_code == 302
    assert AuditEntry.objects.get().action == "password"


def test_a_form_without_its_token_is_refused_with_a_page_of_ours() -> None:
    refused = Client(enforce_csrf_checks=True).post("/login/", {"username": "me"})
    assert (refused.status_code, "The form has expired" in text(refused)) == (403, True)


def test_limits_of_all_bots_are_set_on_the_risk_page() -> None:
    admin = member("root", ADMINS)
    assert admin.post("/trading/risk/", {"limits": '{"max_positions": -1}'}).status_code == 400
    assert admin.post("/trading/risk/", {"limits": '{"max_positions": 2}'}).status_code == 302
    assert "max_positions" in text(admin.get("/trading/risk/"))


def test_risk_needs_the_same_queries_for_any_number_of_bots() -> None:
    admin = member("root", ADMINS)
    es, counts = listed("ES"), []
    for names in (["b1"], ["b2", "b3", "b4"]):
        for name in names:
            held = position(bot(name), es)
            order(held, f"{name}-1")
            killing.throw(bot=held.bot, actor="me", reason="", at=NOW)
            configure(bot=held.bot, parameters=CONFIGURATION, author="me", at=NOW)
        for path in ("/trading/risk/", "/api/v1/trading/risk/"):
            with CaptureQueriesContext(connection) as captured:
                assert "b1" in text(admin.get(path))
            counts.append(len(captured))
    assert counts[:2] == counts[2:]


def test_the_screener_sorts_by_every_column_with_the_unknown_last() -> None:
    rows = [
        Screened(symbol="A", name="a", price="1", last=1.0, change=-2.0),
        Screened(symbol="B", name="b", price="3", last=3.0, change=5.0),
        Screened(symbol="C", name="c", price=""),
    ]
    assert [row.symbol for row in ordered(rows, "change", True)] == ["B", "A", "C"]
    assert [row.symbol for row in ordered(rows, "change", False)] == ["A", "B", "C"]
    assert [row.symbol for row in ordered(rows, "symbol", True)] == ["C", "B", "A"]


def test_the_screener_shows_instruments_with_and_without_prices(client: Client) -> None:
    listed("ES")
    Instrument.objects.create(symbol="NEW", name="New", tick_size="0.01", currency="USD")
    page = text(client.get("/screener/?sort=-change"))
    assert 'data-symbol="ES"' in page
    assert 'data-symbol="NEW"' in page
    assert 'aria-sort="descending"' in page
    assert "The market has stopped" in page
    Lease.objects.create(
        instrument=Instrument.objects.get(symbol="ES"), holder="elsewhere:1:x", acquired_at=now(),
        renewed_at=now(),
    )  # fmt: skip
    screened.forget()
    assert "1 of 2 instruments have stopped" in text(client.get("/screener/"))
    assert client.get("/screener/?sort=luck").status_code == 404
