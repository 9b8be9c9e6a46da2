"""Bots over HTTP: create, start, stop, configure, kill."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError as InvalidError
from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound, ValidationError

from exchange.clearing.fees import SCHEDULES
from exchange.http.tables import exact_json, problems
from exchange.kinds import MONEY_UNITS
from market.integers import parse_integer
from market.quoting import quoted
from market.times import to_microseconds
from trading import owning
from trading.configuring import configure
from trading.core.configuration import ConfigurationError
from trading.creating import BROKERS, NewBot, Paper, TakenError, create
from trading.http import schemas
from trading.http.authentication import RoleView
from trading.http.venues import KEY, Conflict, once_only
from trading.listings import RULES, bot_record
from trading.models import Bot, BotConfiguration
from trading.models.bots import EXCHANGE, PAPER, OnDeath
from trading.roles import bots_of
from web.bodies import Body, shown

LARGEST_ID = 2**62
PAPER_MEMBERS = ("balance", "fees", "latency_ms")
SMALLEST_BALANCE, LARGEST_BALANCE = 1, 10**9
LONGEST_LATENCY_MS = 10_000
READ = problems(401, 404, 429, 503)
WRITE = problems(400, 401, 403, 404, 409, 429, 503)


def find_bot(user: Any, bot_id: str) -> Bot:
    """Return a bot of a user; raise NotFound for those of others as for none."""
    try:
        return (
            bots_of(user)
            .select_related("account", "venue_account")
            .get(pk=parse_integer(bot_id, 1, LARGEST_ID))
        )
    except (ValueError, Bot.DoesNotExist):
        raise NotFound(f"you have no bot {quoted(bot_id)}: see /api/v1/trading/bots/") from None


def plain(value: Any) -> Any:
    """Return parsed JSON with floats in place of decimals, as it is stored."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    return [plain(each) for each in value] if isinstance(value, list) else value


class BotsView(RoleView):
    @extend_schema(
        operation_id="bots_list",
        tags=["bots"],
        responses={(200, "application/json"): schemas.BOTS, **READ},
    )
    def get(self, request: Any) -> HttpResponse:
        """Your bots; for admins, all."""
        found = bots_of(request.user).select_related("account", "venue_account")
        return exact_json({"bots": [bot_record(bot) for bot in found]})

    @extend_schema(
        operation_id="bots_create",
        tags=["bots"],
        parameters=[KEY],
        request={"application/json": schemas.NEW_BOT},
        responses={(201, "application/json"): schemas.BOT, **WRITE},
    )
    def post(self, request: Any) -> HttpResponse:
        """Create a bot that trades in one of your accounts; admins: in one at another venue."""
        wanted = new_bot(request.data)

        def answer() -> HttpResponse:
            bot = created(request.user, wanted)
            response = exact_json(bot_record(bot), 201)
            response["Location"] = f"/api/v1/trading/bots/{bot.pk}/"
            return response

        return once_only(request, "create", asdict(wanted), answer)


def new_bot(data: Any) -> NewBot:
    """Return what a body asks for; raise ValidationError."""
    broker = Body(data, data).choice("broker", BROKERS, EXCHANGE) or EXCHANGE
    more = PAPER_MEMBERS if broker == PAPER else ("account",)
    body = Body(data, ("name", "broker", "on_death", *more))
    body.choice("broker", BROKERS, EXCHANGE)
    rule = body.choice("on_death", RULES, OnDeath.CANCEL)
    wanted = NewBot(
        name=body.text("name", 64),
        broker=broker,
        account="" if broker == PAPER else body.text("account", 64),
        on_death=OnDeath.CANCEL if rule is None else rule,
        paper=_paper(body),
    )
    for member, value in (("name", wanted.name), ("account", broker == PAPER or wanted.account)):
        if not value:
            body.refuse(member, "is missing")
    body.check()
    return wanted


def _paper(body: Body) -> Paper:
    """Return the paper account that a body asks for."""
    known, given = Paper(), {}
    if (balance := body.decimal("balance")) is not None:
        if not SMALLEST_BALANCE <= balance <= LARGEST_BALANCE:
            body.refuse(
                "balance",
                f"{shown(balance)} is not from {SMALLEST_BALANCE} to {LARGEST_BALANCE}",
            )
        else:
            given["balance"] = int(balance * MONEY_UNITS)
    if body.has("latency_ms"):
        given["latency_ms"] = body.whole("latency_ms", 0, LONGEST_LATENCY_MS)
    words = {each: each for each in SCHEDULES}
    return replace(known, fees=body.choice("fees", words, known.fees) or known.fees, **given)


def created(user: Any, wanted: NewBot) -> Bot:
    """Create a bot; raise ValidationError or Conflict."""
    try:
        return create(user, wanted, timezone.now())
    except InvalidError as error:
        raise ValidationError(error.message_dict) from error
    except TakenError as error:
        raise Conflict(str(error)) from error


class BotView(RoleView):
    @extend_schema(
        operation_id="bots_read",
        tags=["bots"],
        responses={(200, "application/json"): schemas.BOT, **READ},
    )
    def get(self, request: Any, bot_id: str) -> HttpResponse:
        """One bot, as it is now."""
        return exact_json(bot_record(find_bot(request.user, bot_id)))


class StartView(RoleView):
    is_wanted = True

    @extend_schema(
        operation_id="bots_start",
        tags=["bots"],
        request={"application/json": schemas.EMPTY},
        responses={(202, "application/json"): schemas.BOT, **WRITE},
    )
    def post(self, request: Any, bot_id: str) -> HttpResponse:
        """Ask for a bot to run; a supervisor starts it within seconds."""
        return self.ask(request, bot_id)

    def ask(self, request: Any, bot_id: str) -> HttpResponse:
        bot = find_bot(request.user, bot_id)
        Body(request.data, ()).check()
        actor = request.user.get_username()
        owning.want(bot, is_wanted=self.is_wanted, actor=actor, at=timezone.now())
        return exact_json(bot_record(find_bot(request.user, bot_id)), 202)


class StopView(StartView):
    is_wanted = False

    @extend_schema(
        operation_id="bots_stop",
        tags=["bots"],
        request={"application/json": schemas.EMPTY},
        responses={(202, "application/json"): schemas.BOT, **WRITE},
    )
    def post(self, request: Any, bot_id: str) -> HttpResponse:
        """Ask for a bot to end: it cancels its orders and keeps its positions."""
        return self.ask(request, bot_id)


class ConfigurationView(RoleView):
    @extend_schema(
        operation_id="bots_configuration",
        tags=["bots"],
        responses={(200, "application/json"): schemas.VERSIONS, **READ},
    )
    def get(self, request: Any, bot_id: str) -> HttpResponse:
        """The configuration in force, and the newest hundred versions of it."""
        bot = find_bot(request.user, bot_id)
        rows = bot.configurations.order_by("-number")[:100]
        versions = [version_record(row) for row in rows]
        return exact_json({"newest": versions[0] if versions else None, "versions": versions})

    @extend_schema(
        operation_id="bots_configure",
        tags=["bots"],
        request={"application/json": schemas.CONFIGURATION},
        responses={(200, "application/json"): schemas.VERSION, **WRITE},
    )
    def put(self, request: Any, bot_id: str) -> HttpResponse:
        """Store a new version, in force from the next decision on."""
        bot = find_bot(request.user, bot_id)
        if not isinstance(request.data, Mapping):
            raise ValidationError("the body must be a JSON object")
        return exact_json(version_record(configured(bot, request)))


def configured(bot: Bot | None, request: Any) -> BotConfiguration:
    """Store what a request says; raise ValidationError."""
    try:
        return configure(
            bot=bot,
            parameters=plain(request.data),
            author=request.user.get_username(),
            at=timezone.now(),
        )
    except ConfigurationError as error:
        raise ValidationError(error.errors) from error


def version_record(row: BotConfiguration) -> dict[str, Any]:
    return {
        "number": row.number,
        "author": row.author,
        "created_at": to_microseconds(row.created_at) // 1000,
        "configuration": row.parameters,
    }
