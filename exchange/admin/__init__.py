from exchange.admin import accounts, recorded

__all__ = ["accounts", "recorded"]
