"""The admin shows what bots did without changing it, in as many queries for any number of rows."""

import pytest
from django.contrib.admin.sites import site
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext

from exchange.engine.messages import BUY
from exchange.tests.clients import listed
from instruments.models import Instrument
from trading import auditlog, killing
from trading.core.positionstates import PositionEvent
from trading.core.profits import Fill
from trading.journeys import Execution, count_execution
from trading.models import (
    AuditEntry,
    Bot,
    BotConfiguration,
    BotFill,
    BotOrder,
    BotPosition,
    FundingPayment,
    IdempotencyRecord,
    KillSwitch,
    Recovery,
    Transition,
)
from trading.operations import once
from trading.tests.bots import NOW, TICK_VALUE, bot, order, position

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]
RECORDED: list[type[Model]] = [
    AuditEntry,
    BotConfiguration,
    BotFill,
    BotOrder,
    BotPosition,
    FundingPayment,
    IdempotencyRecord,
    KillSwitch,
    Recovery,
    Transition,
]


def fill(count: int, prefix: str) -> None:
    """Store rows of every table, each of a bot of its own."""
    es = Instrument.objects.filter(symbol="ES").first() or listed("ES")
    for n in range(count):
        name = f"{prefix}{n}"
        held = position(bot(name), es)
        BotConfiguration.objects.create(bot=held.bot, number=1, author="me", created_at=NOW)
        executed = Execution(
            venue_id="1",
            fill=Fill(BUY, 20_000, 10),
            is_maker=True,
            event=PositionEvent.ENTRY_FILLED,
        )
        count_execution(order(held, name), held, executed, tick_value=TICK_VALUE, at=NOW)
        FundingPayment.objects.create(
            bot=held.bot, position=held, venue_id="1", paid_at=NOW, amount=-1
        )
        killing.throw(bot=held.bot, actor="me", reason="", at=NOW)
        Recovery.objects.create(
            bot=held.bot, actor="me", began_at=NOW, ended_at=NOW, orders=0, executions=0,
            open_findings=0,
        )  # fmt: skip
        auditlog.append(actor="me", action="test", detail={}, at=NOW)
        once(scope=name, operation="test", parameters={}, carry_out=lambda: 1)


@pytest.mark.parametrize("model", [Bot, *RECORDED], ids=lambda model: model.__name__)
def test_lists_need_the_same_queries_for_any_number_of_rows(
    admin_client: Client, model: type[Model]
) -> None:
    counts = []
    path = f"/admin/trading/{model._meta.model_name}/"
    for rows, prefix in ((1, "a"), (5, "b")):
        fill(rows, prefix)
        with CaptureQueriesContext(connection) as captured:
            assert admin_client.get(path).status_code == 200
        counts.append(len(captured))
    assert counts[0] == counts[1]
    row = model._default_manager.first()
    assert row is not None
    assert admin_client.get(f"{path}{row.pk}/change/").status_code == 200


@pytest.mark.parametrize("model", RECORDED, ids=lambda model: model.__name__)
def test_recorded_rows_cannot_be_changed(admin_client: Client, model: type[Model]) -> None:
    fill(1, "a")
    row = model._default_manager.first()
    assert row is not None
    path = f"/admin/trading/{model._meta.model_name}/"
    for page in ("add/", f"{row.pk}/delete/"):
        assert admin_client.post(f"{path}{page}", {"post": "yes"}).status_code == 403
    assert admin_client.post(f"{path}{row.pk}/change/", {}).status_code == 403
    assert site.is_registered(model)


def test_a_bot_is_created_and_keeps_what_its_runner_wrote(admin_client: Client) -> None:
    asked = {"name": "maker", "broker": "exchange", "on_death": "0"}
    assert admin_client.post("/admin/trading/bot/add/", asked).status_code == 302
    Bot.objects.update(runner="here", is_wanted=True)
    change = f"/admin/trading/bot/{Bot.objects.get().pk}/change/"
    assert admin_client.post(change, {"on_death": "2", "runner": "there"}).status_code == 302
    stored = Bot.objects.get()
    assert (stored.on_death, stored.runner, stored.is_wanted) == (2, "here", True)
