"""Topics of the stream: their kinds and how clients write them. Pure.

A topic is the name of its kind, a dot, and a key that names an instrument: `quotes.ES`,
`indicators.hurst.ES`, `book.ES.50`. Apps register the kinds that they publish.
"""

from collections.abc import Callable
from typing import NamedTuple


class TopicKind(NamedTuple):
    """A kind of topic: its name, its form in messages to clients, and the symbol in a key."""

    name: str
    form: str
    symbol_of: Callable[[str], str]


_kinds: dict[str, TopicKind] = {}


def register(name: str, form: str, symbol_of: Callable[[str], str] = lambda key: key) -> None:
    """Add a kind. `form`: what clients write, e.g. `quotes.SYMBOL`."""
    _kinds[name] = TopicKind(name, form, symbol_of)


def split(topic: str) -> tuple[TopicKind, str] | None:
    """Return the kind and the key of `topic`; None where there is no such kind or no symbol."""
    name, _, key = topic.partition(".")
    kind = _kinds.get(name)
    return (kind, key) if kind is not None and kind.symbol_of(key) else None


def key_of(topic: str) -> str:
    """Return what follows the name of the kind."""
    return topic.partition(".")[2]


def names() -> tuple[str, ...]:
    """Return the names of all kinds."""
    return tuple(_kinds)


def forms() -> str:
    """Return the forms of all kinds, for error messages."""
    return ", ".join(kind.form for kind in _kinds.values())


register("quotes", "quotes.SYMBOL")
register("status", "status.SYMBOL")
register("regimes", "regimes.SYMBOL")
register("indicators", "indicators.NAME.SYMBOL", lambda key: key.partition(".")[2])
