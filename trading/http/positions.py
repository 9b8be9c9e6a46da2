"""Positions of bots over HTTP: lists, closing."""

from collections.abc import Callable
from typing import Any, Final

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import NotFound

from exchange.http.tables import answer, documented, exact_json
from market.integers import parse_integer
from market.quoting import quoted
from trading.acting import close, reverse
from trading.http import schemas
from trading.http.authentication import RoleView
from trading.http.bots import LARGEST_ID, WRITE
from trading.http.lists import BOT, OBJECT, SYMBOL, filtered, read, within
from trading.http.venues import KEY, at_venue, once_only
from trading.listings import POSITION_WORDS, POSITIONS
from trading.models import BotPosition
from trading.roles import bots_of
from web.bodies import Body
from web.views import PAGED

POSITION_STATES: Final = {word: state.value for state, word in POSITION_WORDS.items()}


class PositionsView(RoleView):
    @documented(
        "bot_positions_list",
        POSITIONS,
        [
            BOT,
            SYMBOL,
            OpenApiParameter("state", {"type": "string", "enum": list(POSITION_STATES)}),
            *PAGED,
        ],
    )
    def get(self, request: Any) -> HttpResponseBase:
        """Positions of your bots, the newest first."""
        asked = read(request, "bot", "symbol", "state")
        mine = BotPosition.objects.filter(bot__in=bots_of(request.user))
        rows = filtered(mine, request, symbol="instrument__symbol")
        if "state" in request.GET:
            state = asked.choice("state", tuple(POSITION_STATES), "")
            rows = rows.filter(state=POSITION_STATES[state])
        rows = within(rows, asked, "opened_at").select_related("bot", "instrument")
        return answer(request, POSITIONS, rows, asked)


class ClosePositionView(RoleView):
    @extend_schema(
        operation_id="bot_positions_close",
        tags=["bots"],
        parameters=[KEY],
        request={"application/json": schemas.EMPTY},
        responses={(200, "application/json"): OBJECT, **WRITE},
    )
    def post(self, request: Any, position_id: str) -> HttpResponse:
        """Close a position at the market; one without lots is answered as it is."""
        return _acted(request, position_id, "close", close)


class ReversePositionView(RoleView):
    @extend_schema(
        operation_id="bot_positions_reverse",
        tags=["bots"],
        parameters=[KEY],
        request={"application/json": schemas.EMPTY},
        responses={(200, "application/json"): OBJECT, **WRITE},
    )
    def post(self, request: Any, position_id: str) -> HttpResponse:
        """Close a position and open the opposite one; answer the closed one."""
        return _acted(request, position_id, "reverse", reverse)


def _acted(
    request: Any, position_id: str, operation: str, act: Callable[[BotPosition], object]
) -> HttpResponse:
    """Act once on a position that has lots; answer it as it is afterwards."""
    position = find_position(request.user, position_id)
    Body(request.data, ()).check()

    def acted() -> HttpResponse:
        if position.lots:
            at_venue(lambda: act(position))
        return exact_json(POSITIONS.record(find_position(request.user, position_id)))

    now = {"position": position.pk, "version": position.version}
    return once_only(request, operation, now, acted, is_versioned=True)


def find_position(user: Any, position_id: str) -> BotPosition:
    """Return a position of a user's bots; raise NotFound for those of others as for none."""
    mine = BotPosition.objects.filter(bot__in=bots_of(user))
    try:
        return mine.select_related("bot__account", "instrument").get(
            pk=parse_integer(position_id, 1, LARGEST_ID)
        )
    except (ValueError, BotPosition.DoesNotExist):
        raise NotFound(f"your bots have no position {quoted(position_id)}") from None
