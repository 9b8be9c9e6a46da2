from django.apps import AppConfig

from exchange.kinds import (
    BLOCKS,
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
        from exchange import projections, streams, waking  # models are not loaded at import time
        from exchange.extension import Books
        from journal.projections import after_commit
        from quotes import extensions

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
        extensions.register(Books())
        streams.register()
