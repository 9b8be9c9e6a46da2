from exchange.admin import recorded

__all__ = ["recorded"]
