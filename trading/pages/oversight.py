"""Pages of risk, recoveries and the audit log."""

import json
from typing import Final

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from trading.configuring import configure, global_limits
from trading.core.configuration import ConfigurationError
from trading.core.risk.limits import Limits
from trading.http.oversight import at_risk
from trading.listings import AUDIT, RECOVERIES
from trading.models import AuditEntry, BotConfiguration, Recovery
from trading.pages.guards import page, private
from trading.pages.tables import table
from trading.portfolios import portfolio_of, portfolio_of_all
from trading.roles import Role, bots_of, role_of

SHOWN: Final = 100


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
