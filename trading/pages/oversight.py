"""Pages of risk, recoveries and the audit log."""

import json
from collections.abc import Mapping
from typing import Any, Final

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from trading.configuring import configure, global_limits
from trading.core.configuration import DEFAULT_LIMITS, ConfigurationError
from trading.http.oversight import at_risk
from trading.listings import AUDIT, RECOVERIES
from trading.models import AuditEntry, BotConfiguration, Recovery
from trading.pages.guards import NEXT, forbidden, page, private
from trading.pages.paging import paged
from trading.pages.tables import table
from trading.portfolios import exposures_of, portfolio_of_all
from trading.roles import Role, bots_of, role_of

VERSIONS: Final = 20
FILTERS: Final = ("trace_id", "action", "actor")


@require_http_methods(["GET", "HEAD", "POST"])
@private()
def risk(request: HttpRequest) -> HttpResponse:
    """Show what is at risk; POST sets the limits of all bots."""
    is_admin = role_of(request.user) is Role.ADMIN
    versions = BotConfiguration.objects.filter(bot=None).order_by("-number")[:VERSIONS]
    given = _text(versions[0].parameters) if versions else "{}"
    errors: dict[str, list[str]] = {}
    if request.method == "POST":
        if not is_admin:
            return forbidden(request, Role.ADMIN)
        given = request.POST.get("limits", "")
        errors = _limited(given, request.user.get_username())
        if not errors:
            messages.success(request, "The limits of all bots are in force.")
            return redirect(reverse("risk") + NEXT)
    context = {
        "rows": _at_risk(request.user),
        "limits": given,
        "errors": errors,
        "versions": [{"row": row, "text": _text(row.parameters)} for row in versions],
    }
    response = page(request, "risk", **context)
    response.status_code = 400 if errors else 200
    return response


def _text(parameters: Mapping[str, Any]) -> str:
    return json.dumps(parameters, indent=2)


def _at_risk(user: Any) -> list[dict[str, Any]]:
    """Return what each bot of a user has at risk, and for admins all of them together."""
    bots = list(bots_of(user))
    found = exposures_of(bots)
    newest_of_each = {row.bot_id: row for row in BotConfiguration.objects.newest_of_each(bots)}
    rows = [
        {"bot": bot, "limits": _limits_of(newest_of_each.get(bot.pk)), **at_risk(found[bot.pk])}
        for bot in bots
    ]
    if role_of(user) is Role.ADMIN:
        newest = BotConfiguration.objects.newest_of(None)
        limits = newest.parameters if newest else {}
        rows.append({"bot": None, "limits": limits, **at_risk(portfolio_of_all(global_limits()))})
    for row in rows:
        row["drawdown"] *= 100
    return rows


def _limits_of(newest: BotConfiguration | None) -> Mapping[str, Any]:
    """Return the limits of a bot as they are configured, without those that are null."""
    given = newest.parameters.get("limits", {}) if newest else {}
    return {k: v for k, v in {**DEFAULT_LIMITS, **given}.items() if v is not None}


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
    found = paged(request, rows.order_by("-id"))
    context = {
        "table": table(RECOVERIES, found.rows, columns),
        "paged": found,
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
    asked = {name: request.GET.get(name, "").replace("\0", "").strip() for name in FILTERS}
    rows = rows.filter(**{name: text for name, text in asked.items() if text})
    found = paged(request, rows.order_by("-seq"))
    columns = ("seq", "at", "actor", "action", "trace_id", "detail")
    shown = table(AUDIT, found.rows, columns)
    return page(request, "audit", table=shown, paged=found, asked=asked)
