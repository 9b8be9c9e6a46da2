from exchange.models.accounts import Account, ApiKey, LedgerEntry, Leverage, Position
from exchange.models.orders import Command, Order
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
    "Account",
    "ApiKey",
    "BookBlock",
    "Checkpoint",
    "Command",
    "Episode",
    "Execution",
    "Flow",
    "Funding",
    "LedgerEntry",
    "Leverage",
    "Message",
    "Order",
    "OrderEvent",
    "Position",
    "Trade",
    "TradeCandle",
]
