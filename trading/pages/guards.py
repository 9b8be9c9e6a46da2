"""What all pages of bots share: login and role, what they show, what became of an action."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from rest_framework.exceptions import NotFound

from quotes.pages.views import not_found
from trading.acting import CONFLICTS
from trading.models import KillSwitch
from trading.opening import NoBrokerError
from trading.roles import ADMINS, TRADERS, Role, role_of
from trading.sending import RiskRefusedError
from trading.tracing import span, traced
from venues.brokers import BrokerError

View = Callable[..., HttpResponse]
GROUPS = {Role.TRADER: TRADERS, Role.ADMIN: ADMINS}
NEXT = "#notes"
"""Where a page goes on after an action: at what became of it, beside the button."""


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
                return forbidden(request, least)
            try:
                with traced(), span(f"{request.method} {request.path}"):
                    return view(request, *args, **kwargs)
            except NotFound as error:
                return not_found(request, f"{str(error.detail).capitalize()}.")

        return guarded

    return decorate


def forbidden(request: HttpRequest, least: Role) -> HttpResponse:
    """Say which role an action needs, and who has it."""
    reason = (
        f"This needs the role {least.name.lower()}, and {request.user} is "
        f"{role_of(request.user).name.lower()}. Staff add users to the group {GROUPS[least]} in "
        "the admin."
    )
    return render(request, "403.html", {"reason": reason, "back": reverse("bots")}, status=403)


def page(request: HttpRequest, template: str, **context: Any) -> HttpResponse:
    role = role_of(request.user)
    common = {
        "role": role.name.lower(),
        "may_trade": role >= Role.TRADER,
        "is_admin": role is Role.ADMIN,
        "is_killed": KillSwitch.objects.on().filter(bot=None).exists(),
        "notes": [] if "X-Refresh" in request.headers else list(messages.get_messages(request)),
    }
    return render(request, f"trading/{template}.html", common | context)


def tell(request: HttpRequest, act: Callable[[], object], done: str) -> None:
    """Act, and say on the next page what became of it."""
    try:
        act()
    except RiskRefusedError as error:  # it begins with the names of rules
        messages.error(request, f"Refused by the rules of risk: {error}.")
    except (BrokerError, NoBrokerError, *CONFLICTS) as error:
        messages.error(request, f"{str(error)[:1].upper()}{str(error)[1:]}.")
    else:
        messages.success(request, done)
