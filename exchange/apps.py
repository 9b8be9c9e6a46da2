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
<<<<<<< HEAD
        # models are not loaded at import time
        from exchange import auditing, projections, streams, waking
        from exchange.extension import Books
        from journal.projections import after_commit
        from quotes import derived, extensions
=======
        from exchange import (  # models are not loaded at import time
            auditing,
            projections,
            retention,
            streams,
        )
        from quotes import derived
>>>>>>> main

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
