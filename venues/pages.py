"""The page of those who use the doors."""

import time

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from venues.doors.sharedclients import shared


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
