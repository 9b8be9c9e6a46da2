"""Pages of bots: a list, one bot with its configuration; starting, stopping, the kill switch."""

import json
from collections.abc import Iterable
from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST
from rest_framework.exceptions import APIException

from exchange.accounts.traders import accounts_of_session
from trading import acting, killing, owning
from trading.configuring import configuration_of, configure
from trading.core.configuration import ConfigurationError
from trading.core.strategies.catalogue import STRATEGIES
from trading.creating import venue_accounts_of
from trading.http.bots import created, find_bot, new_bot
from trading.listings import ORDERS, RULES, bot_record
from trading.models import Bot, BotConfiguration, BotOrder, KillSwitch
from trading.models.bots import EXCHANGE, PAPER, VENUE
from trading.pages.guards import NEXT, forbidden, page, private, tell
from trading.pages.orders import order_address
from trading.pages.tables import table
from trading.roles import Role, bots_of, role_of
from trading.statistics import statistics

AT_VENUE: Final = "venue:"
ON_PAPER: Final = "paper:"
EXAMPLE: Final = {"strategy": "imbalance", "symbols": ["ES"]}
ASKED: Final = {
    "start": "A supervisor starts the bot: its state becomes running.",
    "stop": "The bot cancels its orders, keeps its positions and stops.",
}
VERSIONS: Final = 20
ORDERS_SHOWN: Final = 10
ORDER_COLUMNS: Final = (
    "client_id", "symbol", "strategy", "side", "style", "price", "quantity", "filled", "state",
    "created_at",
)  # fmt: skip


def bot_address(bot: Bot) -> str:
    return reverse("bot", args=[bot.pk])


@require_http_methods(["GET", "HEAD", "POST"])
@private()
def bots(request: HttpRequest) -> HttpResponse:
    """List bots; POST creates one."""
    problem = ""
    if request.method == "POST":
        if role_of(request.user) < Role.TRADER:
            return forbidden(request, Role.TRADER)
        try:
            return redirect(bot_address(created(request.user, new_bot(_filled_in(request)))))
        except APIException as error:
            problem = "; ".join(map(str, _texts(error.detail)))
    found = bots_of(request.user).select_related("account", "venue_account")
    context = {
        "bots": [_shown(bot) for bot in found],
        "asked": request.POST,
        "statistics": statistics(bots_of(request.user)),
        "accounts": _free_accounts(request.user),
        "venue_accounts": venue_accounts_of(request.user),
        "rules": RULES,
        "problem": problem,
    }
    response = page(request, "bots", **context)
    response.status_code = 400 if problem else 200
    return response


def _filled_in(request: HttpRequest) -> dict[str, str]:
    """Return the form as the body of a request; see `AT_VENUE` and `ON_PAPER` for its accounts."""
    asked = {name: request.POST.get(name, "") for name in ("name", "on_death")}
    account = request.POST.get("account", "")
    if account == ON_PAPER:
        balance = request.POST.get("balance", "").strip()
        return {**asked, "broker": PAPER} | ({"balance": balance} if balance else {})
    name = account.removeprefix(AT_VENUE)
    return {**asked, "broker": EXCHANGE if name == account else VENUE, "account": name}


def _free_accounts(user: Any) -> list[str]:
    """Return the accounts of a user at the exchange that no bot has."""
    mine = accounts_of_session({}, user)
    taken = Bot.objects.filter(account__name__in=mine).values_list("account__name", flat=True)
    return [name for name in mine if name not in set(taken)]


def _texts(detail: Any) -> list[Any]:
    if not isinstance(detail, dict):
        return [detail]
    return [f"{name}: {' '.join(map(str, texts))}" for name, texts in detail.items()]


@require_http_methods(["GET", "HEAD", "POST"])
@private()
def bot(request: HttpRequest, bot_id: str) -> HttpResponse:
    """Show a bot; POST stores a new version of its configuration."""
    found = find_bot(request.user, bot_id)
    newest = BotConfiguration.objects.newest_of(found)
    given = json.dumps(newest.parameters if newest else EXAMPLE, indent=2)
    errors: dict[str, list[str]] = {}
    if request.method == "POST":
        if role_of(request.user) < Role.TRADER:
            return forbidden(request, Role.TRADER)
        given = request.POST.get("configuration", "")
        errors = _configured(found, given, request.user.get_username())
        if not errors:
            messages.success(request, "The configuration is in force from the next decision on.")
            return redirect(bot_address(found) + NEXT)
    orders_of = BotOrder.objects.filter(bot=found).select_related("bot", "instrument")
    context = {
        "bot": _shown(found),
        "configuration": given,
        "errors": errors,
        "strategies": STRATEGIES.values(),
        "versions": _versions(found.configurations.order_by("-number")[:VERSIONS]),
        "is_bot_killed": KillSwitch.objects.on().filter(bot=found).exists(),
        "table": table(
            ORDERS, orders_of.order_by("-id")[:ORDERS_SHOWN], ORDER_COLUMNS, order_address
        ),
    }
    response = page(request, "bot", **context)
    response.status_code = 400 if errors else 200
    return response


def _shown(bot: Bot) -> dict[str, Any]:
    """Return a bot as its pages show it; `beat_s`: seconds since its newest heartbeat."""
    beat_s = (timezone.now() - bot.heartbeat_at).total_seconds() if bot.heartbeat_at else None
    return bot_record(bot) | {"beat_s": beat_s}


def _versions(rows: Iterable[BotConfiguration]) -> list[dict[str, Any]]:
    """Return versions of a configuration with their text, the newest first."""
    return [{"row": row, "text": json.dumps(row.parameters, indent=2)} for row in rows]


def _configured(bot: Bot, text: str, author: str) -> dict[str, list[str]]:
    """Store a configuration; return what is wrong with it."""
    try:
        configure(bot=bot, parameters=json.loads(text), author=author, at=timezone.now())
    except ConfigurationError as error:
        return error.errors
    except (ValueError, RecursionError) as error:
        return {"configuration": [f"is not JSON: {error}"]}
    return {}


@require_POST
@private(Role.TRADER)
def act(request: HttpRequest, bot_id: str, action: str) -> HttpResponse:
    """Start, stop, kill, release or recover a bot."""
    found, actor = find_bot(request.user, bot_id), request.user.get_username()
    if action in ("start", "stop"):
        tell(request, lambda: _ask(found, actor, is_wanted=action == "start"), ASKED[action])
    elif action == "kill":
        _tell_left(request, _killed(request, [found], found))
    elif action == "release":
        _release(request, found)
    else:
        tell(request, lambda: acting.recover_now(found, actor), "Recovery has run: see its report.")
    return redirect((reverse("recovery") if action == "recover" else bot_address(found)) + NEXT)


def _ask(bot: Bot, actor: str, *, is_wanted: bool) -> None:
    """Ask for a bot to run, or to stop; raise ConfigurationError for one that cannot run."""
    if is_wanted:
        configuration_of(bot)
    owning.want(bot, is_wanted=is_wanted, actor=actor, at=timezone.now())


def _tell_left(request: HttpRequest, done: list[acting.Flattened]) -> None:
    for each in done:
        if not each.is_flat:
            left = each.error or f"{each.orders} orders and {each.positions} positions"
            messages.error(request, f"{each.bot.name} is blocked, but not flat: {left}.")
    flat = sum(each.is_flat for each in done)
    messages.success(request, f"The kill switch is on. Flat bots: {flat} of {len(done)}.")


@require_POST
@private(Role.ADMIN)
def switch(request: HttpRequest, action: str) -> HttpResponse:
    """Throw or release the kill switch of all bots."""
    if action == "kill":
        _tell_left(request, _killed(request, list(Bot.objects.all()), None))
    else:
        _release(request, None)
    return redirect(reverse("risk") + NEXT)


def _killed(request: HttpRequest, bots: list[Bot], bot: Bot | None) -> list[acting.Flattened]:
    actor, by_admin = request.user.get_username(), role_of(request.user) is Role.ADMIN
    return acting.kill(bots, bot=bot, actor=actor, reason="page", by_admin=by_admin)


def _release(request: HttpRequest, bot: Bot | None) -> None:
    actor, by_admin = request.user.get_username(), role_of(request.user) is Role.ADMIN
    try:
        killing.release(bot=bot, actor=actor, at=timezone.now(), by_admin=by_admin)
    except killing.AdminOnlyError as error:
        messages.error(request, f"{str(error).capitalize()}.")
    else:
        messages.success(request, f"{bot or 'Bots'} may trade again.")
