"""The pages of those who use the doors, and of the gateway."""

import time

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from venues.doors.sharedclients import shared
from venues.gateway.metrics import streams_here
from venues.gateway.pool import SIZE
from venues.gateway.status import status

OLD_S = 10.0
"""A report of the gateway is newer than this while it works."""


@require_safe
def connected_clients(request: HttpRequest) -> HttpResponse:
    """Show connections, requests, refusals and limits; to staff, with DEBUG=on to everyone."""
    if not (request.user.is_staff or settings.DEBUG):
        return redirect_to_login(request.get_full_path(), "admin:login")
    now, (listed, processes) = time.time(), shared.everyone()
    found = [
        {
            "venue": each.key.venue,
            "account": each.key.account,
            "address": each.key.address,
            "connections": each.connections,
            "requests": each.requests,
            "refused": each.refused,
            "refusal": each.refusal,
            "limits": sorted(each.limits.items()),
            "silent_s": max(0.0, now - each.heard_at),
        }
        for each in listed
    ]
    context = {
        "clients": found,
        "connections": sum(each.connections for each in listed),
        "processes": processes,
    }
    return render(request, "venues/clients.html", context)


@require_safe
def gateway(request: HttpRequest) -> HttpResponse:
    """Show connections to the venue, the queue, requests per second and subscribers."""
    found = status()
    reported_at = found["pool"]["at"]
    silent_s = None if reported_at is None else max(0.0, time.time() - reported_at / 1_000)
    context = {
        **found,
        "silent_s": silent_s,
        "is_running": silent_s is not None and silent_s < OLD_S,
        "size": SIZE,
        "followers": sum(each["followers"] for each in found["tickers"]),
        "streams": streams_here(),
        "most_waiting": settings.DERIBIT_MOST_WAITING,
    }
    return render(request, "venues/gateway.html", context)
