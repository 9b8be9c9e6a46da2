"""Fault profiles: how a door misbehaves on purpose, and the incidents that they imitate. Pure."""

from dataclasses import dataclass
from typing import Final


class UnknownProfileError(ValueError):
    """There is no such profile."""


@dataclass(frozen=True, kw_only=True)
class Delay:
    """A lognormal delay: half of the messages wait longer than `median_ms`."""

    median_ms: float
    sigma: float


@dataclass(frozen=True, kw_only=True)
class Outage:
    """The door works for `after_s`, does not for `lasts_s`, and so on."""

    after_s: float
    lasts_s: float

    def is_on(self, age_s: float) -> bool:
        """Return whether a door of this age does not work."""
        return age_s % (self.after_s + self.lasts_s) >= self.after_s


@dataclass(frozen=True, kw_only=True)
class Profile:
    """What goes wrong, and how often: shares are probabilities per request or message."""

    name: str
    shows: str
    """What a client sees."""
    incident: str
    """What really happened, and where it is described."""
    delay: Delay | None = None
    """Of requests, replies and messages, in both directions."""
    too_many: float = 0.0
    """Share of requests that begin a run of `run` refusals for too many requests."""
    errors: float = 0.0
    """Share of requests that begin a run of `run` answers 502 or 503; nothing is executed."""
    run: int = 1
    lost: float = 0.0
    """Share of order requests that are executed, but whose answer is lost."""
    repeated: float = 0.0
    """Share of messages, except of books, that are sent twice."""
    late: float = 0.0
    """Share of messages, except of books, that are sent `late_s` later, after newer ones."""
    late_s: float = 1.0
    disconnects: float = 0.0
    """Share of messages in a burst at which the connection breaks."""
    missing: float = 0.0
    """Share of changes of books that begin a run of `run` lost ones."""
    misnumbered: float = 0.0
    """Share of changes of books that have a wrong number."""
    skew_ms: int = 0
    """How far the clock of the door is ahead."""
    outage: Outage | None = None
    """Maintenance: everything is refused."""
    silence: Outage | None = None
    """Requests are not executed and messages not sent; connections are accepted and stay open."""
    garbage: float = 0.0
    """Share of answers and messages that are replaced by something else."""


_ALL: Final = (
    Profile(
        name="latency",
        shows="Requests, replies and messages take 150 ms, every hundredth more than a second.",
        incident="BitMEX, 13 March 2020: an overloaded database delayed messages to the engine "
        "(https://blog.bitmex.com/how-we-are-responding-to-last-weeks-ddos-attacks/).",
        delay=Delay(median_ms=150, sigma=0.85),
    ),
    Profile(
        name="rate_limits",
        shows="One request in 50 begins a run of 5 that are refused: too many requests.",
        incident="Bots that share an address or a key with others exceed limits of which they know "
        "nothing (https://github.com/hadialaddin/crypto-genie/issues/38, "
        "https://github.com/ctubio/Krypto-trading-bot/issues/982).",
        too_many=0.02,
        run=5,
    ),
    Profile(
        name="server_errors",
        shows="One request in 50 begins a run of 4 that a proxy answers with 502 or 503.",
        incident="BitMEX, 20 December 2019: 95 s of HTTP 500, and no data on the WebSocket "
        "(https://status.bitmex.com/incidents/fk699r9wh56y); Bybit's 'Server Timeout' "
        "(https://github.com/bybit-exchange/pybit/issues/234).",
        errors=0.02,
        run=4,
    ),
    Profile(
        name="lost_answers",
        shows="One order request in 5 is executed, but its answer never arrives.",
        incident="Catalyst, April 2018: a request timed out, the bot ordered again, and bought "
        "twice (https://github.com/scrtlabs/catalyst/issues/317, "
        "https://github.com/ccxt/ccxt/issues/2599).",
        lost=0.2,
    ),
    Profile(
        name="repeats",
        shows="One message in 5 arrives twice, one in 5 a second late and after newer ones.",
        incident="Binance Futures: fills arrived twice, an order's 'new' after its end "
        "(https://github.com/ccxt/ccxt/issues/18028), or two minutes late "
        "(https://github.com/zhouaini528/binance-php/issues/67).",
        repeated=0.2,
        late=0.2,
    ),
    Profile(
        name="disconnects",
        shows="WebSockets break while many messages arrive, on average at the 200th of a burst.",
        incident="BitMEX, 3 September 2018: the distribution of market data was saturated by a "
        "cascade of updates "
        "(https://blog.bitmex.com/websocket-api-downtime-september-3rd-2018/).",
        disconnects=0.005,
    ),
    Profile(
        name="stale_book",
        shows="Changes of books get lost, three at a time, or have a wrong `u`; no error says so.",
        incident="Bybit, January 2020: deltas deleted levels that no snapshot held "
        "(https://github.com/bybit-exchange/api-connectors/issues/23); Bittrex: gaps in sequence "
        "numbers (https://github.com/Bittrex/bittrex.github.io/issues/33).",
        missing=0.01,
        misnumbered=0.01,
        run=3,
    ),
    Profile(
        name="clock_skew",
        shows="The clock of the venue is 4 s behind, so requests seem to come from the future.",
        incident="Error 10002 on machines whose clock was right yesterday "
        "(https://github.com/bybit-exchange/bybit-official-api-docs/issues/40).",
        skew_ms=-4_000,
    ),
    Profile(
        name="maintenance",
        shows="After 20 s the venue is closed for 10 s: HTTP 503, WebSockets closed and refused.",
        incident="BitMEX, 19 May 2020: the server of the engine restarted twice "
        "(http://blog.bitmex.com/postmortem-downtime-19-may-2020/).",
        outage=Outage(after_s=20, lasts_s=10),
    ),
    Profile(
        name="silent",
        shows="After 20 s the venue says nothing for 20 s, though it accepts connections.",
        incident="Streams stay open, but nothing arrives: BitMEX "
        "(https://github.com/ccxt/ccxt/issues/20412), Binance "
        "(https://github.com/ccxt/ccxt/issues/22662).",
        silence=Outage(after_s=20, lasts_s=20),
    ),
    Profile(
        name="garbage",
        shows="One message in 20 is cut short, or is a web page, or JSON of another shape.",
        incident="The proxy in front of an exchange answers with a web page "
        "(https://github.com/banteg/liqui/issues/5, "
        "https://github.com/BitBotFactory/MikaLendingBot/pull/392).",
        garbage=0.05,
    ),
)
PROFILES: Final = {profile.name: profile for profile in _ALL}


def profile_of(name: str) -> Profile:
    """Return a profile; raise UnknownProfileError."""
    if name not in PROFILES:
        raise UnknownProfileError(
            f"fault profile {name!r} does not exist; use one of {', '.join(PROFILES)}"
        )
    return PROFILES[name]
