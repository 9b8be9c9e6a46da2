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
            accountaudit,
            auditing,
            privatestreams,
            projections,
            retention,
            streamlogins,
            streams,
            waking,
        )
        from exchange.extension import Books
        from exchange.results import results
        from journal.projections import after_commit
        from live import logins
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
        after_commit(ORDER_EVENTS, results.note)
        after_commit(BLOCKS, waking.committed_blocks.note)
        derived.register(CANDLES_OF_TRADES)
        auditing.register()
        accountaudit.register()
        extensions.register(Books())
        streams.register()
        privatestreams.register()
        logins.register(streamlogins.StreamLogins())
        retention.register()
