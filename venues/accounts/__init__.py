"""Accounts at other venues: their keys, encrypted, and brokers that use them. Off by default."""
