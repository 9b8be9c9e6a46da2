"""What the endpoints of the door get and return."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, NamedTuple

from exchange.accounts.traders import Trader
from venues.bybit.envelopes import NOTHING
from venues.bybit.errors import BybitError, RetCode
from venues.bybit.fields import Fields
from venues.bybit.limits import Limit


class Access(Enum):
    PUBLIC = "public"
    READ = "read"
    TRADE = "trade"


@dataclass(frozen=True, kw_only=True)
class Call:
    """A request that was let in; `who` is None for public endpoints. `now_ms`: wall clock."""

    fields: Fields
    now_ms: int
    who: Trader | None = None

    @property
    def trader(self) -> Trader:
        if self.who is None:
            raise BybitError(RetCode.API_KEY)
        return self.who


class Result(NamedTuple):
    """`result` and `retExtInfo` of an answer."""

    result: Mapping[str, Any]
    more: Mapping[str, Any] = NOTHING


Handler = Callable[[Call], Result]


class Route(NamedTuple):
    handler: Handler
    limit: Limit = Limit.PUBLIC
    access: Access = Access.PUBLIC


Rows = Sequence[Mapping[str, Any] | Sequence[str]]
