"""The kill switch over HTTP: of one bot, and of all."""

from typing import Any

from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import PermissionDenied

from exchange.http.tables import exact_json
from trading import killing
from trading.acting import kill
from trading.http import schemas
from trading.http.authentication import RoleView
from trading.http.bots import WRITE, find_bot
from trading.http.venues import KEY, once_only
from trading.models import Bot, KillSwitch
from trading.roles import Role, role_of
from web.bodies import Body


class KillView(RoleView):
    """The kill switch of one bot."""

    @extend_schema(
        operation_id="bots_kill",
        tags=["bots"],
        parameters=[KEY],
        request={"application/json": schemas.REASON},
        responses={(200, "application/json"): schemas.KILLED, **WRITE},
    )
    def post(self, request: Any, bot_id: str) -> HttpResponse:
        """Block a bot, cancel its orders and close its positions; answer what is left."""
        bot = find_bot(request.user, bot_id)
        named = {"bot": bot.pk}
        return once_only(request, "kill", named, lambda: killed(request, [bot], bot), is_named=True)

    @extend_schema(
        operation_id="bots_release",
        tags=["bots"],
        responses={(200, "application/json"): schemas.KILLED, **WRITE},
    )
    def delete(self, request: Any, bot_id: str) -> HttpResponse:
        """Let a bot trade again."""
        bot = find_bot(request.user, bot_id)
        release(request, bot)
        return exact_json({"is_on": KillSwitch.objects.stops(bot), "left": []})


class KillAllView(RoleView):
    """The kill switch of all bots."""

    writes_need = Role.ADMIN

    @extend_schema(
        operation_id="kill_all",
        tags=["bots"],
        parameters=[KEY],
        request={"application/json": schemas.REASON},
        responses={(200, "application/json"): schemas.KILLED, **WRITE},
    )
    def post(self, request: Any) -> HttpResponse:
        """Block all bots, cancel their orders and close their positions; answer what is left."""
        bots = list(Bot.objects.all())
        return once_only(request, "kill", {}, lambda: killed(request, bots, None), is_named=True)

    @extend_schema(
        operation_id="release_all",
        tags=["bots"],
        responses={(200, "application/json"): schemas.KILLED, **WRITE},
    )
    def delete(self, request: Any) -> HttpResponse:
        """Let all bots trade again, except those whose own switch is on."""
        release(request, None)
        return exact_json({"is_on": False, "left": []})


def release(request: Any, bot: Bot | None) -> None:
    """Release a kill switch; raise PermissionDenied."""
    actor, by_admin = request.user.get_username(), role_of(request.user) is Role.ADMIN
    try:
        killing.release(bot=bot, actor=actor, at=timezone.now(), by_admin=by_admin)
    except killing.AdminOnlyError as error:
        raise PermissionDenied(str(error)) from error


def killed(request: Any, bots: list[Bot], bot: Bot | None) -> HttpResponse:
    body = Body(request.data, ("reason",))
    reason = body.text("reason", 200)
    body.check()
    actor, by_admin = request.user.get_username(), role_of(request.user) is Role.ADMIN
    done = kill(bots, bot=bot, actor=actor, reason=reason, by_admin=by_admin)
    left = [
        {
            "bot": each.bot.name,
            "orders": each.orders,
            "positions": each.positions,
            "error": each.error or None,
        }
        for each in done
        if not each.is_flat
    ]
    return exact_json({"is_on": True, "left": left})
