from exchange.models.accounts import Account, ApiKey, LedgerEntry, Leverage, Position
from exchange.models.orders import Command, Order

__all__ = ["Account", "ApiKey", "Command", "LedgerEntry", "Leverage", "Order", "Position"]
