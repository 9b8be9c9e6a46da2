"""The shared vocabulary of the market: ticks, candles, timeframes, kinds of records. Pure."""
