"""What fault injection must know of a venue: its orders, its errors and its messages. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True)
class Answer:
    """An HTTP response made by a fault."""

    status: int
    body: bytes
    headers: tuple[tuple[bytes, bytes], ...] = ()


class Dialect(Protocol):
    """One venue."""

    def is_order_request(self, scope: Mapping[str, Any]) -> bool:
        """Return whether an HTTP request places, changes or cancels orders."""

    def is_order_reply(self, text: str) -> bool:
        """Return whether a message of a WebSocket answers such a request."""

    def is_book(self, text: str) -> bool:
        """Return whether a message is a change of an order book."""

    def is_news(self, text: str) -> bool:
        """Return whether a message belongs to a topic other than a book."""

    def misnumbered(self, text: str) -> str:
        """Return a change of a book with a wrong number."""

    def too_many_requests(self) -> Answer:
        """Return the refusal of a request beyond a limit."""

    def refused_message(self, text: str) -> str | None:
        """Return the refusal of a request over a WebSocket beyond a limit, which ends it.

        None: messages such as this one are not refused.
        """

    def closed(self) -> Answer:
        """Return the refusal of a request during maintenance."""
