"""What a paper venue keeps: its orders, and what they came to in each instrument. Pure.

Both can be stored as JSON and restored. The levels of the venue are recorded anyway: stored is only
what paper orders have taken of them.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final, NamedTuple, Self

from trading.core.paperbook import PaperBook, PaperOrder
from trading.core.profits import AverageCost, ProfitAndLoss
from venues.brokers import Instruction, OrderReport, OrderSeen, Style, VenueState

OPEN: Final = VenueState.WORKING


class Request(NamedTuple):
    """A request on its way: when it arrives, and what it asks for."""

    arrives: int
    number: int
    kind: str
    """place, amend or cancel."""
    client_id: str
    lots: int = 0
    ticks: int = 0


@dataclass(slots=True)
class Known:
    """An order that was sent here."""

    sent: Instruction
    paper: PaperOrder
    state: VenueState | None = None
    """None while it is on its way."""
    number: int = 0
    reason: str = ""

    @classmethod
    def of(cls, sent: Instruction) -> Self:
        paper = PaperOrder(
            client_id=sent.client_id,
            side=sent.side,
            style=sent.style,
            lots=sent.lots,
            ticks=sent.ticks,
        )
        return cls(sent, paper)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        sent = Instruction(**{**stored["sent"], "style": Style(stored["sent"]["style"])})
        known = cls.of(sent)
        for name, value in stored["paper"].items():
            setattr(known.paper, name, value)
        known.state = None if stored["state"] is None else VenueState(stored["state"])
        known.number, known.reason = stored["number"], stored["reason"]
        return known

    def as_json(self) -> dict[str, Any]:
        paper = self.paper
        return {
            "sent": {**asdict(self.sent), "style": self.sent.style.value},
            "paper": {name: getattr(paper, name) for name in ("lots", "ticks", "filled", "ahead")},
            "state": None if self.state is None else self.state.value,
            "number": self.number,
            "reason": self.reason,
        }

    @property
    def is_open(self) -> bool:
        return self.state is OPEN

    def seen(self) -> OrderSeen:
        paper = self.paper
        report = OrderReport(
            number=self.number,
            state=OPEN if self.state is None else self.state,
            lots=paper.lots,
            filled=paper.filled,
            ticks=paper.ticks,
        )
        return OrderSeen(
            client_id=self.sent.client_id,
            venue_id=self.sent.client_id,
            symbol=self.sent.symbol,
            side=self.sent.side,
            report=report,
            reason=self.reason,
        )


@dataclass(slots=True)
class Market:
    """One instrument: its book with our orders, and what they came to."""

    result: ProfitAndLoss
    book: PaperBook = field(default_factory=PaperBook)
    mark: int = 0
    at: int = 0
    """Up to when market data were fed, in microseconds."""
    requests: list[Request] = field(default_factory=list)
    """A heap."""

    @property
    def is_idle(self) -> bool:
        """Whether nothing can happen here, whatever the market does."""
        return not (self.requests or self.book.resting)

    def as_json(self) -> dict[str, Any]:
        result = self.result
        return {
            "lots": result.method.lots,
            "cost": result.method.cost,
            "realised": result.realised,
            "fees": result.fees,
            "mark": self.mark,
            "at": self.at,
            "requests": [list(request) for request in self.requests],
            "resting": [order.client_id for order in self.book.resting],
            "touched": [
                [side, ticks, level.taken, level.traded]
                for side, ticks, level in self.book.touched()
            ],
        }

    def restore(self, stored: Mapping[str, Any], orders: Mapping[str, Known]) -> None:
        """Take over what was stored, in a book that shows the venue's levels of that moment."""
        self.result.method = AverageCost.of(stored["lots"], stored["cost"])
        self.result.realised, self.result.fees = stored["realised"], stored["fees"]
        self.mark, self.at = stored["mark"], stored["at"]
        self.requests = [Request(*request) for request in stored["requests"]]
        for client_id in stored["resting"]:
            self.book.rest(orders[client_id].paper)
        for side, ticks, taken, traded in stored["touched"]:
            self.book.retake(side, ticks, taken, traded)
