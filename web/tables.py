"""Responses that are tables: rows in memory, or a stream of blocks of bytes."""

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

Row = Sequence[Any]
MEDIA_TYPES: Final = {
    "csv": "text/csv; charset=utf-8",
    "arrow": "application/vnd.apache.arrow.stream",
}
EXTENSIONS: Final = {"csv": "csv", "arrow": "arrows"}


class Page(NamedTuple):
    """Rows in ascending order; `more_after` is the key to continue after, None at the end."""

    rows: Sequence[Row]
    more_after: int | None
    open_candle: bool = False


def file_response(name: str, encoding: str, blocks: Iterable[bytes]) -> HttpResponse:
    """Answer a table of one page, which has a length."""
    response = HttpResponse(b"".join(blocks))
    name_file(response, name, encoding)
    return response


def stream_response(name: str, encoding: str, blocks: Iterable[bytes]) -> StreamingHttpResponse:
    """Answer a table block by block, each made when the one before is sent.

    The iterator is closed with the response, also when its client disconnects.
    """
    response = StreamingHttpResponse(blocks)
    name_file(response, name, encoding)
    return response


def name_file(response: HttpResponseBase, name: str, encoding: str) -> None:
    response["Content-Type"] = MEDIA_TYPES[encoding]
    response["Content-Disposition"] = f'inline; filename="{name}.{EXTENSIONS[encoding]}"'
