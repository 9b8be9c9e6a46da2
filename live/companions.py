"""Threads that run beside a live market in its own process; the apps above register them."""

from collections.abc import Callable

from journal.sources import Companion
from live.frames import Publication

Publish = Callable[[list[Publication]], None]

_factories: list[Callable[[Publish], Companion]] = []


def register(factory: Callable[[Publish], Companion]) -> None:
    _factories.append(factory)


def companions(publish: Publish) -> list[Companion]:
    return [factory(publish) for factory in _factories]
