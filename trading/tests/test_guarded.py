"""Circuit breaker and rate limits in front of a broker."""

from collections.abc import Callable
from typing import TypeVar

import pytest

from exchange.clearing.fees import LAB
from exchange.kinds import MONEY_UNITS
from exchange.matching import BUY
from trading.brokers.guarded import FAILURES, GuardedBroker
from trading.brokers.paper import PaperBroker
from trading.brokers.papervenue import PaperVenue
from trading.brokers.rates import EXCHANGE, Rate
from trading.models import Bot
from trading.tests.bots import TICK_VALUE
from venues.brokers import Broker, Instruction, NotSentError, Style, UnknownOutcomeError

T = TypeVar("T")
ORDER = Instruction(client_id="a", symbol="ES", side=BUY, style=Style.LIMIT, lots=1, ticks=9)


class Venue(PaperBroker):
    """A paper venue in memory whose market stands still, so that no request arrives: see `at`."""

    def __init__(self) -> None:
        super().__init__(Bot(name="b1"), {}, timeout_s=0.001, poll_s=0.001)
        self.at = 1
        self._venue = PaperVenue({"ES": TICK_VALUE}, balance=MONEY_UNITS, fees=LAB, latency_us=1)

    async def _at_venue(self, act: Callable[[PaperVenue], T], *, writes: bool = False) -> T:
        self._venue.advance(self.at)
        return act(self._venue)


async def test_a_circuit_opens_after_failures_and_closes_once_the_venue_answers() -> None:
    venue = Venue()
    broker = GuardedBroker(venue, pause_s=-1.0)
    satisfied: Broker = broker
    assert satisfied.name == "paper"
    strict = GuardedBroker(venue, pause_s=1e6)
    for _ in range(FAILURES):
        for each in (broker, strict):
            with pytest.raises(UnknownOutcomeError):
                await each.place(ORDER)
    with pytest.raises(NotSentError, match=r"circuit paper\.place is open after 5 failures"):
        await strict.place(ORDER)
    assert (await strict.order("a")).client_id == "a"  # other requests have circuits of their own
    venue.at = 10
    assert (await broker.place(ORDER)).client_id == "a"  # its pause is over at once
    assert (await broker.place(ORDER)).client_id == "a"


async def test_a_request_that_finds_no_turn_was_not_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("trading.brokers.guarded.LONGEST_WAIT_S", 0.01)
    venue = Venue()
    venue.at = 10
    broker = GuardedBroker(venue, rates={**EXCHANGE, "order": Rate(2, 1e6)})
    for _ in range(2):
        await broker.order("a")
    with pytest.raises(NotSentError, match="no turn for order at paper"):
        await broker.order("a")
