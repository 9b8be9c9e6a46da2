"""Bots, orders, recovery and logins over HTTP."""
