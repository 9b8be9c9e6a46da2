"""What lists of bots' records share: their query, filters and spans of time."""

from typing import Any, Final

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter

from trading.http.bots import find_bot
from web import formats
from web.parameters import Parameters
from web.views import PAGED
from web.views import read as checked_query

SYMBOL: Final = OpenApiParameter("symbol", str, description="Only of this instrument.")
STRATEGY: Final = OpenApiParameter("strategy", str, description="Only of this strategy.")
BOT: Final = OpenApiParameter("bot", str, description="Only of the bot with this id.")
OBJECT: Final = {"type": "object"}


def read(request: Any, *names: str) -> Parameters:
    return checked_query(request, *names, *PAGED, formats=formats.TABLE_FORMATS)


def filtered(rows: "QuerySet[Any]", request: Any, **columns: str) -> "QuerySet[Any]":
    """Keep the rows of the texts in the query; `columns`: lookup by parameter."""
    for name, lookup in columns.items():
        if name in request.GET:
            rows = rows.filter(**{lookup: request.GET[name].replace("\0", "")})
    if "bot" in request.GET:
        rows = rows.filter(bot=find_bot(request.user, request.GET["bot"]))
    return rows


def within(rows: "QuerySet[Any]", asked: Parameters, column: str) -> "QuerySet[Any]":
    """Keep the rows of start <= time < end."""
    start, end = asked.span()
    if start is not None:
        rows = rows.filter(**{f"{column}__gte": start})
    return rows if end is None else rows.filter(**{f"{column}__lt": end})
