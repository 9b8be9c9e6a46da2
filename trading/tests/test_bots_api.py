"""Endpoints of bots: what each role may do, and that bots of others do not exist."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.utils import timezone

from exchange.accounts.opening import open_account
from exchange.kinds import MONEY_UNITS
from exchange.tests.clients import listed
from trading import auditlog
from trading.core.orderstates import OrderState
from trading.core.reports import ContradictionError
from trading.journeys import StaleError
from trading.models import AuditEntry, Bot, BotOrder, BotPosition, IdempotencyRecord, KillSwitch
from trading.roles import ADMINS, TRADERS
from trading.sending import RejectedError
from trading.tests.bots import NOW, bot, order, position
from venues.accounts.models import VenueAccount
from venues.brokers import RefusedError

pytestmark = pytest.mark.django_db
ROOT = "/api/v1/trading/"
CONFIGURATION = {"strategy": "imbalance", "symbols": ["ES"], "limits": {"max_exposure": 2000.5}}


def member(name: str, *groups: str) -> Client:
    """Return a client of a user who owns an account named after them."""
    user = User.objects.create_user(name)
    for group in groups:
        user.groups.add(Group.objects.get_or_create(name=group)[0])
    open_account(name=f"of {name}", balance=100 * MONEY_UNITS, owner=user)
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def trader() -> Client:
    return member("trader", TRADERS)


@pytest.fixture
def viewer() -> Client:
    return member("viewer")


@pytest.fixture
def admin() -> Client:
    return member("admin", ADMINS)


def send(client: Client, method: str, path: str, body: Any = None) -> Any:
    return client.generic(method, ROOT + path, "" if body is None else body, "application/json")


def put(client: Client, path: str, body: Any) -> Any:
    return client.put(ROOT + path, body, content_type="application/json")


def post(client: Client, path: str, body: Any = None) -> Any:
    return client.post(ROOT + path, body or {}, content_type="application/json")


@pytest.fixture
def mine(trader: Client) -> int:
    """The id of a bot of the trader."""
    asked = {"name": "maker", "account": "of trader", "on_death": "close"}
    return int(post(trader, "bots/", asked).json()["id"])


def test_a_trader_creates_configures_starts_and_stops_a_bot(trader: Client, mine: int) -> None:
    listed("ES")
    assert put(trader, f"bots/{mine}/config/", CONFIGURATION).json()["number"] == 1
    assert put(trader, f"bots/{mine}/config/", CONFIGURATION).json()["number"] == 2
    versions = trader.get(f"{ROOT}bots/{mine}/config/").json()
    assert versions["newest"]["configuration"] == CONFIGURATION
    assert [each["number"] for each in versions["versions"]] == [2, 1]
    started = post(trader, f"bots/{mine}/start/")
    assert (started.status_code, started.json()["state"]) == (202, "starting")
    assert post(trader, f"bots/{mine}/stop/").json()["state"] == "stopped"
    (listed_bot,) = trader.get(f"{ROOT}bots/").json()["bots"]
    assert listed_bot == trader.get(f"{ROOT}bots/{mine}/").json()
    assert (listed_bot["account"], listed_bot["on_death"]) == ("of trader", "close")
    actions = AuditEntry.objects.order_by("seq").values_list("action", "actor")
    assert list(actions) == [
        (each, "trader") for each in ("create", "configure", "configure", "start", "stop")
    ]


def test_a_bad_configuration_names_every_field(trader: Client, mine: int) -> None:
    bad = put(trader, f"bots/{mine}/config/", {"strategy": "x", "symbols": [], "limits": {"a": 1}})
    assert bad.status_code == 400
    assert sorted(bad.json()["errors"]) == ["limits", "strategy", "symbols"]
    assert put(trader, f"bots/{mine}/config/", [1]).status_code == 400


def test_names_are_unique_and_accounts_ones_own(trader: Client, mine: int, viewer: Client) -> None:
    asked = {"name": "maker", "account": "of trader"}
    assert post(trader, "bots/", asked).status_code == 409  # it has another rule
    assert post(trader, "bots/", {**asked, "name": "second"}).status_code == 409
    for wrong in (
        {"account": "of viewer"},
        {"account": "nobody's"},
        {"name": "../x"},
        {"name": ""},
    ):
        assert post(trader, "bots/", {**asked, "name": "new", **wrong}).status_code == 400
    assert Bot.objects.count() == 1


WRITES = [
    ("POST", "bots/{bot}/start/"),
    ("POST", "bots/{bot}/stop/"),
    ("POST", "bots/{bot}/kill/"),
    ("DELETE", "bots/{bot}/kill/"),
    ("PUT", "bots/{bot}/config/"),
    ("DELETE", "orders/{order}/"),
    ("PATCH", "orders/{order}/"),
    ("POST", "positions/{position}/reverse/"),
    ("POST", "positions/{position}/close/"),
    ("POST", "recovery/"),
]
READS = ["bots/{bot}/", "bots/{bot}/config/", "orders/{order}/"]
LISTS = ["orders/", "positions/", "audit/", "recovery/"]


@pytest.fixture
def ids(mine: int) -> dict[str, int]:
    held = position(Bot.objects.get(), listed("ES"))
    return {"bot": mine, "position": held.pk, "order": order(held).pk}


@pytest.mark.parametrize(("method", "path"), WRITES)
def test_nobody_writes_without_the_role_or_to_bots_of_others(
    ids: dict[str, int], method: str, path: str
) -> None:
    target = path.format(**ids)
    body = f'{{"bot": {ids["bot"]}}}' if path == "recovery/" else "{}"
    entries = AuditEntry.objects.count()
    assert send(Client(), method, target, body).status_code == 401
    owner = User.objects.get(username="trader")
    owner.groups.clear()
    demoted = Client()
    demoted.force_login(owner)
    assert send(demoted, method, target, body).status_code == 403
    assert send(member("other", TRADERS), method, target, body).status_code == 404
    assert AuditEntry.objects.count() == entries


@pytest.mark.parametrize("path", READS)
def test_bots_of_others_do_not_exist(ids: dict[str, int], viewer: Client, path: str) -> None:
    target = ROOT + path.format(**ids)
    assert Client().get(target).status_code == 401
    assert viewer.get(target).status_code == 404
    assert member("root", ADMINS).get(target).status_code == 200


def test_lists_have_only_ones_own_rows(
    ids: dict[str, int], trader: Client, viewer: Client, admin: Client
) -> None:
    auditlog.append(actor="x", action="test", detail={}, at=NOW)
    for path in LISTS:
        assert viewer.get(ROOT + path).json()["rows"] == []
        assert viewer.get(f"{ROOT}{path}?bot={ids['bot']}").status_code == 404
    assert len(trader.get(f"{ROOT}orders/").json()["rows"]) == 1
    assert len(trader.get(f"{ROOT}audit/").json()["rows"]) == 1
    assert len(admin.get(f"{ROOT}audit/").json()["rows"]) == 2
    assert "all" not in trader.get(f"{ROOT}risk/").json()
    assert "all" in admin.get(f"{ROOT}risk/").json()


def test_orders_are_filtered_and_shown_with_their_history(
    ids: dict[str, int], trader: Client
) -> None:
    for query, count in (
        ("state=pending", 1),
        ("state=working", 1),
        ("state=filled", 0),
        ("symbol=ES", 1),
        ("symbol=NQ", 0),
        ("strategy=none", 0),
        ("end=2020-01-01T00:00:00Z", 0),
    ):
        assert len(trader.get(f"{ROOT}orders/?{query}").json()["rows"]) == count, query
    assert trader.get(f"{ROOT}orders/?state=x").status_code == 400
    assert trader.get(f"{ROOT}orders/?format=csv").content.startswith(b"id,bot,client_id")
    detail = trader.get(f"{ROOT}orders/{ids['order']}/").json()
    assert (detail["bot"], detail["state"], detail["history"]) == ("maker", "pending", [])
    assert detail["position"]["unrealised"] == 0


def test_only_admins_throw_the_switch_of_all_and_set_limits_of_all(
    trader: Client, admin: Client
) -> None:
    assert post(trader, "kill/").status_code == 403
    assert put(trader, "risk/", {"max_positions": 1}).status_code == 403
    assert put(admin, "risk/", {"max_positions": -1}).status_code == 400
    assert put(admin, "risk/", {"max_positions": 1}).json()["number"] == 1
    assert post(admin, "kill/", {"reason": "drill"}).json() == {"is_on": True, "left": []}
    assert trader.get(f"{ROOT}risk/").json()["kill_switch"] is True
    assert send(admin, "DELETE", "kill/").json()["is_on"] is False
    assert KillSwitch.objects.get().thrown_by == "admin"


def test_statistics_count_orders_and_results(ids: dict[str, int], trader: Client) -> None:
    found = trader.get(f"{ROOT}statistics/").json()
    assert (found["orders"]["pending"], found["orders"]["filled"], found["fees"]) == (1, 0, 0)


def test_writes_by_session_need_a_csrf_token(trader: Client, mine: int) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(User.objects.get(username="trader"))
    assert post(strict, f"bots/{mine}/start/").status_code == 403
    assert not Bot.objects.get().is_wanted


def test_a_bot_without_a_venue_answers_503(trader: Client) -> None:
    owner = User.objects.get(username="trader")
    lost = bot("lost")
    Bot.objects.update(owner=owner)
    assert post(trader, "recovery/", {"bot": lost.pk}).status_code == 503
    killed = post(trader, f"bots/{lost.pk}/kill/").json()
    assert killed["is_on"] is True
    assert "has no account" in killed["left"][0]["error"]


def test_on_death_is_the_rule_that_was_asked_for(trader: Client) -> None:
    asked = {"name": "keeper", "account": "of trader", "on_death": "keep"}
    assert post(trader, "bots/", asked).json()["on_death"] == "keep"


def test_a_trader_cannot_release_the_kill_switch_of_an_admin(
    trader: Client, admin: Client, mine: int
) -> None:
    post(trader, f"bots/{mine}/kill/")
    assert send(trader, "DELETE", f"bots/{mine}/kill/").json()["is_on"] is False
    post(admin, f"bots/{mine}/kill/")
    refused = send(trader, "DELETE", f"bots/{mine}/kill/")
    assert (refused.status_code, "only an admin" in refused.json()["detail"]) == (403, True)
    assert trader.post(f"/trading/bots/{mine}/release/").status_code == 302
    assert KillSwitch.objects.on().exists()
    assert send(admin, "DELETE", f"bots/{mine}/kill/").json()["is_on"] is False


@pytest.mark.parametrize(
    "error",
    [ContradictionError("no"), StaleError("no"), RejectedError("no"), RefusedError("no")],
    ids=repr,
)
def test_what_does_not_fit_the_present_state_is_a_conflict(
    ids: dict[str, int], trader: Client, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(_: object) -> None:
        raise error

    BotPosition.objects.update(lots=1, cost=1)
    monkeypatch.setattr("trading.http.orders.cancel", fail)
    monkeypatch.setattr("trading.http.positions.close", fail)
    monkeypatch.setattr("trading.acting.close", fail)
    for answer in (
        send(trader, "DELETE", f"orders/{ids['order']}/"),
        post(trader, f"positions/{ids['position']}/close/"),
    ):
        assert (answer.status_code, answer.json()["detail"]) == (409, "no")
    shown = trader.post(f"/trading/positions/{ids['position']}/close/", follow=True)
    assert "No." in shown.content.decode()


def test_a_repeat_gets_the_first_answer(
    ids: dict[str, int], trader: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    cancelled: list[int] = []
    monkeypatch.setattr("trading.http.orders.cancel", lambda order: cancelled.append(order.pk))
    first, again = (send(trader, "DELETE", f"orders/{ids['order']}/") for _ in range(2))
    assert (first.json(), len(cancelled)) == (again.json(), 1)
    assert again["Idempotency-Replayed"] == "true"
    BotOrder.objects.update(version=1)  # it has changed since: this is another wish
    send(trader, "DELETE", f"orders/{ids['order']}/")
    assert len(cancelled) == 2


def test_a_cancel_that_changed_nothing_is_tried_again_unless_its_key_is_repeated(
    ids: dict[str, int], trader: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    cancelled: list[int] = []
    monkeypatch.setattr("trading.http.orders.cancel", lambda order: cancelled.append(order.pk))
    path = f"{ROOT}orders/{ids['order']}/"
    soon = timezone.now() + timedelta(minutes=1)
    for headers, count in (({}, 1), ({}, 2), ({"Idempotency-Key": "k"}, 3)):
        trader.delete(path, headers=headers)
        assert len(cancelled) == count
        IdempotencyRecord.objects.filter(expires_at__lt=soon).update(expires_at=NOW)
    assert trader.delete(path, headers={"Idempotency-Key": "k"})["Idempotency-Replayed"] == "true"
    assert len(cancelled) == 3


def test_a_bot_is_created_once_and_keys_name_one_request(trader: Client) -> None:
    asked = {"name": "maker", "account": "of trader"}
    answers = [post(trader, "bots/", asked) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert answers[1]["Location"] == answers[0]["Location"]
    kill = f"bots/{answers[0].json()['id']}/kill/"
    for key, status in (("k", 200), ("k", 200), ("k" * 65, 400)):
        answer = trader.post(ROOT + kill, {}, "application/json", headers={"Idempotency-Key": key})
        assert answer.status_code == status
    other = trader.post(f"{ROOT}bots/", asked, "application/json", headers={"Idempotency-Key": "k"})
    assert other.status_code == 409
    assert Bot.objects.count() == 1


def test_a_paper_bot_needs_no_account(trader: Client) -> None:
    asked = {"name": "paper", "broker": "paper", "balance": 500.5, "latency_ms": 20}
    for wrong in (
        {"balance": 0},
        {"balance": 1e-20},
        {"balance": "x"},
        {"fees": "none"},
        {"latency_ms": -1},
        {"account": "of trader"},
        {"broker": "exchange", "account": "of trader"},
    ):
        assert post(trader, "bots/", {**asked, **wrong}).status_code == 400
    assert post(trader, "bots/", asked).json()["broker"] == "paper"
    known = {"balance": 50_050_000_000, "fees": "bybit", "latency_ms": 20}
    assert Bot.objects.get().paper == known
    taken = post(trader, "bots/", {**asked, "latency_ms": 0})
    reason = "there is a bot 'paper' already: use another name"
    assert (taken.status_code, taken.json()["detail"]) == (409, reason)


def test_accounts_at_venues_are_for_admins(trader: Client, admin: Client) -> None:
    account = VenueAccount(name="mine", venue="bybit", api_key="k")
    account.secret = "s"
    account.save()
    asked = {"name": "far", "broker": "venue", "account": "mine"}
    refused = post(trader, "bots/", asked)
    assert refused.status_code == 400
    assert "you may use no account" in refused.json()["errors"]["account"][0]
    made = post(admin, "bots/", asked).json()
    assert (made["broker"], made["account"]) == ("venue", "mine")
    assert post(admin, "bots/", {**asked, "name": "second"}).status_code == 409
    assert post(admin, "bots/", {**asked, "broker": "moon"}).status_code == 400
    assert "mine, at its venue" not in admin.get("/trading/").content.decode()


def test_statistics_do_not_scan_all_orders(
    ids: dict[str, int], trader: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trading.statistics.NEWEST", 1)
    held = BotPosition.objects.get()
    for client_id, state in (("b1-2", OrderState.CANCELLED), ("b1-3", OrderState.REJECTED)):
        order(held, client_id)
        BotOrder.objects.filter(client_id=client_id).update(state=state.value)
    found = trader.get(f"{ROOT}statistics/").json()["orders"]
    assert (found["pending"], found["cancelled"], found["rejected"]) == (1, 0, 1)
