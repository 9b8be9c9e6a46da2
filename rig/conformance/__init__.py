"""Unmodified clients of Bybit against our door: what works, as a matrix."""
