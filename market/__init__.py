"""Shared market vocabulary: ticks, candles, timeframes, record kinds. Pure."""
