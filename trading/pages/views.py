"""Pages of bots: what they are, did and risk; starting, stopping, closing, the kill switch."""

import json
from collections.abc import Callable
from functools import wraps
from typing import Any, Final

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from rest_framework.exceptions import APIException, NotFound

from exchange.accounts.loading import marks
from exchange.accounts.traders import accounts_of_session
from market.times import from_microseconds
from quotes.models import Candle
from quotes.pages import sparkline
from quotes.pages.views import not_found
from trading import acting, killing, owning
from trading.brokers.opening import NoBrokerError
from trading.configuring import configure, global_limits
from trading.core.configuration import ConfigurationError
from trading.core.risk.limits import Limits
from trading.http.bots import created, find_bot
from trading.http.records import (
    POSITION_STATES,
    STATES,
    at_risk,
    find_order,
    find_position,
    order_detail,
    statistics,
)
from trading.listings import AUDIT, ORDERS, POSITIONS, RECOVERIES, RULES, bot_record, unrealised
from trading.models import (
    AuditEntry,
    Bot,
    BotConfiguration,
    BotOrder,
    BotPosition,
    KillSwitch,
    Recovery,
)
from trading.models.bots import OnDeath
from trading.pages.tables import table
from trading.portfolios import portfolio_of, portfolio_of_all
from trading.roles import Role, bots_of, role_of
from trading.sending import RiskRefusedError
from venues.brokers import BrokerError

SHOWN: Final = 100
MINUTE_S: Final = 60
CLOSES: Final = 60
EXAMPLE: Final = {"strategy": "imbalance", "symbols": ["ES"]}
ORDER_COLUMNS: Final = (
    "client_id", "bot", "symbol", "strategy", "side", "style", "price", "quantity", "filled",
    "state", "created_at",
)  # fmt: skip
POSITION_COLUMNS: Final = (
    "symbol", "bot", "state", "quantity", "entry_price", "realised", "fees", "opened_at",
)  # fmt: skip
SORTS: Final = {
    "newest": "-id",
    "oldest": "id",
    "symbol": "instrument__symbol",
    "state": "state",
    "quantity": "-lots",
}
View = Callable[..., HttpResponse]


def private(least: Role = Role.VIEWER) -> Callable[[View], View]:
    """Require a login and a role; say what went wrong on the page that was shown before."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            role = role_of(request.user)
            if role is Role.NOBODY:
                is_shown = request.method in ("GET", "HEAD")  # others cannot be repeated as a link
                return redirect_to_login(
                    request.get_full_path() if is_shown else reverse("bots"), "login"
                )
            if role < least:
                return render(request, "403.html", status=403)
            try:
                return view(request, *args, **kwargs)
            except NotFound as error:
                return not_found(request, f"{str(error.detail).capitalize()}.")

        return guarded

    return decorate


def page(request: HttpRequest, template: str, **context: Any) -> HttpResponse:
    role = role_of(request.user)
    common = {
        "may_trade": role >= Role.TRADER,
        "is_admin": role is Role.ADMIN,
        "is_killed": KillSwitch.objects.on().filter(bot=None).exists(),
    }
    return render(request, f"trading/{template}.html", common | context)


def tell(request: HttpRequest, act: Callable[[], object], done: str) -> None:
    """Act, and say on the next page what became of it."""
    try:
        act()
    except (BrokerError, NoBrokerError, RiskRefusedError) as error:
        messages.error(request, f"{str(error)[:1].upper()}{str(error)[1:]}.")
    else:
        messages.success(request, done)


@require_http_methods(["GET", "HEAD", "POST"])
@private()
def bots(request: HttpRequest) -> HttpResponse:
    """List bots; POST creates one."""
    problem = ""
    if request.method == "POST":
        if role_of(request.user) < Role.TRADER:
            return render(request, "403.html", status=403)
        asked = {name: request.POST.get(name, "") for name in ("name", "account", "on_death")}
        try:
            rule = RULES.get(asked["on_death"], OnDeath.CANCEL)
            bot = created(request.user, asked["name"], asked["account"], rule)
            return redirect("bot", bot.pk)
        except APIException as error:
            problem = "; ".join(map(str, _texts(error.detail)))
    found = bots_of(request.user).select_related("account")
    context = {
        "bots": [bot_record(bot) for bot in found],
        "statistics": statistics(bots_of(request.user)),
        "accounts": accounts_of_session({}, request.user),
        "rules": RULES,
        "problem": problem,
    }
    response = page(request, "bots", **context)
    response.status_code = 400 if problem else 200
    return response


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
            return render(request, "403.html", status=403)
        given = request.POST.get("configuration", "")
        errors = _configured(found, given, request.user.get_username())
        if not errors:
            messages.success(request, "The configuration is in force from the next decision on.")
            return redirect("bot", found.pk)
    orders_of = BotOrder.objects.filter(bot=found).select_related("bot", "instrument")
    context = {
        "bot": bot_record(found),
        "configuration": given,
        "errors": errors,
        "versions": found.configurations.order_by("-number")[:10],
        "is_bot_killed": KillSwitch.objects.on().filter(bot=found).exists(),
        "table": table(ORDERS, orders_of.order_by("-id")[:10], ORDER_COLUMNS, order_address),
    }
    response = page(request, "bot", **context)
    response.status_code = 400 if errors else 200
    return response


def _configured(bot: Bot, text: str, author: str) -> dict[str, list[str]]:
    """Store a configuration; return what is wrong with it."""
    try:
        configure(bot=bot, parameters=json.loads(text), author=author, at=timezone.now())
    except ConfigurationError as error:
        return error.errors
    except (ValueError, RecursionError) as error:
        return {"configuration": [f"is not JSON: {error}"]}
    return {}


def order_address(order: BotOrder) -> str:
    return f"/trading/orders/{order.pk}/"


@require_POST
@private(Role.TRADER)
def act(request: HttpRequest, bot_id: str, action: str) -> HttpResponse:
    """Start, stop, kill, release or recover a bot."""
    found, actor = find_bot(request.user, bot_id), request.user.get_username()
    if action in ("start", "stop"):
        owning.want(found, is_wanted=action == "start", actor=actor, at=timezone.now())
    elif action == "kill":
        _tell_left(request, acting.kill([found], bot=found, actor=actor, reason="page"))
    elif action == "release":
        killing.release(bot=found, actor=actor, at=timezone.now())
    else:
        tell(request, lambda: acting.recover_now(found, actor), "Recovery has run: see its report.")
    return redirect("recovery") if action == "recover" else redirect("bot", found.pk)


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
    actor = request.user.get_username()
    if action == "kill":
        everyone = list(Bot.objects.select_related("account"))
        _tell_left(request, acting.kill(everyone, bot=None, actor=actor, reason="page"))
    else:
        killing.release(bot=None, actor=actor, at=timezone.now())
        messages.success(request, "Bots may trade again.")
    return redirect("risk")


@require_safe
@private()
def orders(request: HttpRequest) -> HttpResponse:
    """List orders, filtered and sorted as asked; unknown filters show nothing."""
    mine = BotOrder.objects.filter(bot__in=bots_of(request.user))
    asked = {name: request.GET.get(name, "") for name in ("state", "symbol", "strategy", "sort")}
    rows: QuerySet[BotOrder] = mine
    if asked["state"]:
        rows = rows.filter(state__in=STATES.get(asked["state"], []))
    if asked["symbol"]:
        rows = rows.filter(instrument__symbol=asked["symbol"].replace("\0", ""))
    if asked["strategy"]:
        rows = rows.filter(strategy=asked["strategy"].replace("\0", ""))
    order = SORTS.get(asked["sort"], "-id")
    newest = rows.select_related("bot", "instrument").order_by(order, "-id")[:SHOWN]
    context = {
        "table": table(ORDERS, newest, ORDER_COLUMNS, order_address),
        "statistics": statistics(bots_of(request.user)),
        "asked": asked,
        "choices": {
            "state": list(STATES),
            "symbol": distinct(mine, "instrument__symbol"),
            "strategy": distinct(mine, "strategy"),
            "sort": list(SORTS),
        },
    }
    return page(request, "orders", **context)


def distinct(rows: "QuerySet[Any]", column: str) -> list[str]:
    return list(rows.order_by(column).values_list(column, flat=True).distinct())


@require_http_methods(["GET", "HEAD", "POST"])
@private()
def order(request: HttpRequest, order_id: str) -> HttpResponse:
    """Show an order with its history, its fills and the profit of its position; POST cancels it."""
    found = find_order(request.user, order_id)
    if request.method == "POST":
        if role_of(request.user) < Role.TRADER:
            return render(request, "403.html", status=403)
        tell(request, lambda: acting.cancel(found), "The order is cancelled, or has ended before.")
        return redirect("bot-order", found.pk)
    closes = Candle.objects.filter(instrument=found.instrument, timeframe=MINUTE_S)
    newest = list(closes.order_by("-opened_at").values_list("close", flat=True)[:CLOSES])
    detail = order_detail(found)
    for row in detail["history"]:
        row["when"] = from_microseconds(row["at"] * 1000)
    context = {
        "order": found,
        "detail": detail,
        "signal": json.dumps(found.context, indent=2),
        "points": sparkline.points(newest[::-1]),
        "box": {"width": sparkline.WIDTH, "height": sparkline.HEIGHT},
    }
    return page(request, "order", **context)


@require_safe
@private()
def positions(request: HttpRequest) -> HttpResponse:
    """List positions with the profit of closing them now."""
    state = request.GET.get("state", "")
    rows: QuerySet[BotPosition] = BotPosition.objects.filter(bot__in=bots_of(request.user))
    if state:
        rows = rows.filter(state=POSITION_STATES.get(state, -1))
    newest = list(rows.select_related("bot", "instrument").order_by("state", "-id")[:SHOWN])
    at = marks({each.instrument_id for each in newest})
    context = {
        "table": table(POSITIONS, newest, POSITION_COLUMNS),
        "profits": {each.pk: unrealised(each, at) for each in newest if each.lots},
        "asked": {"state": state},
        "choices": {"state": list(POSITION_STATES)},
    }
    return page(request, "positions", **context)


@require_POST
@private(Role.TRADER)
def close(request: HttpRequest, position_id: str) -> HttpResponse:
    """Close a position at the market."""
    found = find_position(request.user, position_id)
    if found.lots:
        tell(request, lambda: acting.close(found), f"Closing {found} at the market.")
    return redirect("positions")


@require_http_methods(["GET", "HEAD", "POST"])
@private()
def risk(request: HttpRequest) -> HttpResponse:
    """Show what is at risk; POST sets the limits of all bots."""
    is_admin = role_of(request.user) is Role.ADMIN
    newest = BotConfiguration.objects.newest_of(None)
    given, errors = json.dumps(newest.parameters if newest else {}, indent=2), {}
    if request.method == "POST":
        if not is_admin:
            return render(request, "403.html", status=403)
        given = request.POST.get("limits", "")
        errors = _limited(given, request.user.get_username())
        if not errors:
            messages.success(request, "The limits of all bots are in force.")
            return redirect("risk")
    scopes = [(each.name, portfolio_of(each, Limits())) for each in bots_of(request.user)]
    if is_admin:
        scopes.append(("all bots", portfolio_of_all(global_limits())))
    rows = [{"name": name, **at_risk(portfolio)} for name, portfolio in scopes]
    response = page(request, "risk", rows=rows, limits=given, errors=errors)
    response.status_code = 400 if errors else 200
    return response


def _limited(text: str, author: str) -> dict[str, list[str]]:
    try:
        configure(bot=None, parameters=json.loads(text), author=author, at=timezone.now())
    except ConfigurationError as error:
        return error.errors
    except (ValueError, RecursionError) as error:
        return {"limits": [f"is not JSON: {error}"]}
    return {}


@require_safe
@private()
def recovery(request: HttpRequest) -> HttpResponse:
    """List reports of recovery with their findings."""
    rows = Recovery.objects.filter(bot__in=bots_of(request.user)).select_related("bot")
    columns = ("id", "bot", "actor", "began_at", "orders", "executions", "open_findings")
    context = {
        "table": table(RECOVERIES, rows.order_by("-id")[:SHOWN], columns),
        "bots": bots_of(request.user),
    }
    return page(request, "recovery", **context)


@require_safe
@private()
def audit(request: HttpRequest) -> HttpResponse:
    """List the audit log: for admins all of it, otherwise that of one's bots."""
    rows: QuerySet[AuditEntry] = AuditEntry.objects.all()
    if role_of(request.user) is not Role.ADMIN:
        rows = rows.filter(bot__in=bots_of(request.user).values("pk"))
    trace = request.GET.get("trace_id", "").replace("\0", "")
    if trace:
        rows = rows.filter(trace_id=trace)
    columns = ("seq", "at", "actor", "action", "trace_id", "detail")
    newest = rows.order_by("-seq")[:SHOWN]
    return page(request, "audit", table=table(AUDIT, newest, columns), asked={"trace_id": trace})
