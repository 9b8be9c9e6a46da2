"""Clearing: what stands between the doors and the matching engine. Pure, integers only.

Prices are in ticks, quantities in lots, money in MONEY_UNITS of the instrument's currency, times
in microseconds since 1970 UTC. `Desk` owns the accounts; everything else is its vocabulary.
"""
