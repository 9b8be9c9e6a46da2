"""The Kelly fraction: the share of the capital whose repeated bet grows fastest.

f = p - (1 - p) / b, with p the probability to win and b the mean profit of a win divided by the
mean loss of a loss (Kelly, A New Interpretation of Information Rate, 1956).
"""

from exchange.clearing.money import PPM
from trading.core.risk.portfolio import Record


def kelly_ppm(record: Record) -> int:
    """Return the fraction in ppm, rounded down, 0 where there is no edge.

    With w wins of sum G and l losses of sum L, p = w / (w + l) and b = (G / w) / (L / l), so that
    f = w (G - L) / (G (w + l)), exact in whole numbers.
    """
    trades = record.wins + record.losses
    if not record.wins or record.gained <= 0:
        return 0
    numerator = record.wins * (record.gained - record.lost)
    return max(0, numerator * PPM // (record.gained * trades))


def stake_ppm(record: Record, cap_ppm: int, least_trades: int) -> int:
    """Return the largest share of the equity that one order may take."""
    if record.wins + record.losses < least_trades:
        return cap_ppm
    return min(cap_ppm, kelly_ppm(record))
