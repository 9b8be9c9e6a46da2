from django.apps import AppConfig

from exchange.kinds import (
    BLOCKS,
    CANDLES_OF_TRADES,
    CHECKPOINTS,
    EPISODES,
    EXECUTIONS,
    FLOW,
    FUNDING,
    MESSAGES,
    ORDER_EVENTS,
    TRADES,
)
from market import kinds


class ExchangeConfig(AppConfig):
    name = "exchange"

    def ready(self) -> None:
        from exchange import (  # models are not loaded at import time
            auditing,
            projections,
            retention,
            streams,
        )
        from quotes import derived

        for kind in (
            TRADES,
            BLOCKS,
            MESSAGES,
            FLOW,
            EPISODES,
            CHECKPOINTS,
            ORDER_EVENTS,
            EXECUTIONS,
            FUNDING,
        ):
            kinds.register(kind)
        projections.register()
        derived.register(CANDLES_OF_TRADES)
        auditing.register()
        streams.register()
        retention.register()
