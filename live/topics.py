"""Topics of the stream: their kinds and how clients write them. Pure.

A topic is the name of its kind, a dot, and a key that names an instrument: `quotes.ES`,
`indicators.hurst.ES`, `book.ES.50`. Apps register the kinds that they publish.

A private topic belongs to an account: inside it is `orders.7`, 7 being the account. Clients write
and read `orders`, and what they get depends on how they authenticated (live/logins.py).
"""

import sys
from collections.abc import Callable
from typing import NamedTuple

from market import kinds


class TopicKind(NamedTuple):
    """A kind of topic: its name, its form in messages to clients, and the symbol in a key.

    `symbols` reads the instruments that have such a topic from the database; None: all have.
    """

    name: str
    form: str
    symbol_of: Callable[[str], str]
    symbols: Callable[[], list[str]] | None = None


_kinds: dict[str, TopicKind] = {}
_private: dict[str, None] = {}


def register(
    name: str,
    form: str,
    symbol_of: Callable[[str], str] = lambda key: key,
    symbols: Callable[[], list[str]] | None = None,
) -> None:
    """Add a kind. `form`: what clients write, e.g. `quotes.SYMBOL`."""
    _kinds[name] = TopicKind(name, form, symbol_of, symbols)


def register_private(name: str) -> None:
    """Add a private topic, e.g. "orders"."""
    _private[name] = None


def is_private(name: str) -> bool:
    """Return whether clients write `name` for a private topic."""
    return name in _private


def private_names() -> tuple[str, ...]:
    return tuple(_private)


def of_account(name: str, account: int) -> str:
    """Return the private topic of an account."""
    return sys.intern(f"{name}.{account}")


def shown(topic: str) -> str:
    """Return the name of a topic in frames: private ones without the account."""
    name, _, _ = topic.partition(".")
    return name if name in _private else topic


def split(topic: str) -> tuple[TopicKind, str] | None:
    """Return the kind and the key of `topic`; None where there is no such kind or no symbol."""
    name, _, key = topic.partition(".")
    kind = kind_of(name)
    return (kind, key) if kind is not None and kind.symbol_of(key) else None


def kind_of(name: str) -> TopicKind | None:
    """Return a registered kind of topic; every public kind of record is one, too."""
    if name not in _kinds and kinds.find_public(name) is not None:
        register(name, f"{name}.SYMBOL")
    return _kinds.get(name)


def of_some_instruments() -> list[TopicKind]:
    """Return the kinds of topic that not every instrument has."""
    return [kind for kind in _kinds.values() if kind.symbols is not None]


def key_of(topic: str) -> str:
    """Return what follows the name of the kind."""
    return topic.partition(".")[2]


def names() -> tuple[str, ...]:
    """Return the names of all kinds."""
    return tuple(dict.fromkeys([*_kinds, *(kind.name for kind in kinds.public_kinds())]))


def forms() -> str:
    """Return the forms of all kinds, for error messages."""
    for kind in kinds.public_kinds():
        kind_of(kind.name)
    return ", ".join(kind.form for kind in _kinds.values())


register("status", "status.SYMBOL")
register("indicators", "indicators.NAME.SYMBOL", lambda key: key.partition(".")[2])
