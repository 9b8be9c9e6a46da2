"""Feeds and brokers of the venues that ccxt knows."""
