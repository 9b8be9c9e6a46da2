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
        # models are not loaded at import time
        from exchange import auditing, projections, retention, streams, waking
        from exchange.extension import Books
        from journal.projections import after_commit
        from quotes import derived, extensions

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
        after_commit(BLOCKS, waking.committed_blocks.note)
        derived.register(CANDLES_OF_TRADES)
        auditing.register()
        extensions.register(Books())
        streams.register()
        retention.register()
