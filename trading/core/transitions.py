"""State machines as data: a table says which event leads from which state to which."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, Generic, TypeAlias, TypeVar

S = TypeVar("S", bound=IntEnum)
E = TypeVar("E", bound=IntEnum)
F = TypeVar("F")

Guard: TypeAlias = Callable[[F, F], str | None]
"""Takes the facts before and after an event; returns what is wrong, or None."""


class IllegalTransitionError(ValueError):
    """The table has no rule for the event in this state, or its guard refused the new facts."""

    def __init__(self, machine: str, state: IntEnum, event: IntEnum, reason: str) -> None:
        self.machine, self.state, self.event, self.reason = machine, state, event, reason
        super().__init__(f"{machine}: {event.name} in {state.name} is illegal: {reason}")


@dataclass(frozen=True)
class Rule(Generic[S, F]):
    """One row of a table: the state that follows, if the guard has no objection."""

    target: S
    guard: Guard[F]


class Table(Generic[S, E, F]):
    """The rules of one kind of machine, by state and event."""

    def __init__(
        self, name: str, states: type[S], events: type[E], rules: Mapping[tuple[S, E], Rule[S, F]]
    ) -> None:
        self.name: Final = name
        self.states: Final = states
        self.events: Final = events
        self._rules: Final = dict(rules)

    def __iter__(self) -> Iterator[tuple[S, E, S]]:
        """Return state, event and target of each rule."""
        return ((state, event, rule.target) for (state, event), rule in self._rules.items())

    def __len__(self) -> int:
        return len(self._rules)

    def target(self, state: S, event: E, before: F, after: F) -> S:
        """Return the state that follows; raise IllegalTransitionError."""
        rule = self._rules.get((state, event))
        if rule is None:
            allowed = ", ".join(each.name for each in self.allowed(state)) or "no event"
            raise IllegalTransitionError(
                self.name, state, event, f"{allowed} is possible in this state"
            )
        if (reason := rule.guard(before, after)) is not None:
            raise IllegalTransitionError(self.name, state, event, reason)
        return rule.target

    def allowed(self, state: S) -> list[E]:
        """Return the events that the table knows in a state."""
        return [event for at, event in self._rules if at is state]

    def is_final(self, state: S) -> bool:
        """Return whether nothing can follow a state."""
        return not self.allowed(state)
