from exchange.models.recorded import (
    BookBlock,
    Checkpoint,
    Episode,
    Execution,
    Flow,
    Funding,
    Message,
    OrderEvent,
    Trade,
    TradeCandle,
)

__all__ = [
    "BookBlock",
    "Checkpoint",
    "Episode",
    "Execution",
    "Flow",
    "Funding",
    "Message",
    "OrderEvent",
    "Trade",
    "TradeCandle",
]
