"""Feeds: market data of other venues, recorded by the journal like our own."""
