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
        # Imported here because models are not loaded when this module is.
        from exchange import retention
        from exchange.accounts import privatestreams, projections, waking
        from exchange.accounts.results import results
        from exchange.auditing import accounts, trades
        from exchange.depth import streams
        from exchange.http import streamlogins
        from exchange.running.extension import Books
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
        trades.register()
        accounts.register()
        extensions.register(Books())
        streams.register()
        privatestreams.register()
        logins.register(streamlogins.StreamLogins())
        retention.register()
