"""What runs beside a live market that has a process to itself: registered by the apps above."""

from collections.abc import Callable
from typing import Protocol

from live.frames import Publication

Publish = Callable[[list[Publication]], None]


class Companion(Protocol):
    """A thread that may publish."""

    def start(self) -> None: ...

    def stop(self) -> None:
        """End it and wait for its end."""


_factories: list[Callable[[Publish], Companion]] = []


def register(factory: Callable[[Publish], Companion]) -> None:
    _factories.append(factory)


def companions(publish: Publish) -> list[Companion]:
    return [factory(publish) for factory in _factories]
