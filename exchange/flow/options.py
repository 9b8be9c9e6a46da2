"""What may be chosen when a market is opened."""

from dataclasses import dataclass, field

from exchange.flow.informed import check_share
from exchange.flow.parameters import FlowParameters


@dataclass(frozen=True, kw_only=True)
class MarketOptions:
    """`informed`: the share of informed market orders; None draws one for each regime."""

    parameters: FlowParameters = field(default_factory=FlowParameters)
    informed: float | None = None

    def __post_init__(self) -> None:
        check_share(self.informed)
