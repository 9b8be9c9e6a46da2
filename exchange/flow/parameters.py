"""The parameters of the background order flow and the rates that follow from them."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from exchange.flow.philox import LARGEST_MEAN, scale_of_mean

Floats = npt.NDArray[np.float64]

LIMITS = (
    ("theta", 1e-6, 1),
    ("size", 1, 1e6),
    ("orders", 1e-3, LARGEST_MEAN),
    ("i0", 1e-3, 1e6),
    ("mu", 0, 10),
    ("levels", 1, 10_000),
    ("market_orders", 0, LARGEST_MEAN),
    ("inside", 0, LARGEST_MEAN),
)
"""The smallest and the largest value of parameters."""


class Rates(NamedTuple):
    """What a kernel draws from. Rates are per slot."""

    add_totals: Floats
    """(levels,): limit orders of one side at levels 1 ... i."""
    scales: Floats
    """(levels,): `scale_of_mean` of the sizes at each level."""
    theta: float
    market_orders: float
    inside: float
    alpha: float


@dataclass(frozen=True, kw_only=True)
class FlowParameters:
    """The flow of one slot. Level i is i ticks from the law's price; sizes are in lots.

    The target depth at level i is proportional to i / (1 + (i / i0)^(2 + mu)): linear near the
    price, with a tail of i^-(1 + mu). Raise ValueError for parameters without a flow.
    """

    theta: float = 0.05
    """Probability that a resting order is cancelled within a slot."""
    size: float = 10.0
    """Mean size of an order at level 1; it grows as sqrt(i)."""
    orders: float = 3.0
    """Mean number of orders that rest at level 1."""
    i0: float = 20.0
    mu: float = 0.6
    levels: int = 200
    market_orders: float = 2.0
    alpha: float = 1.5
    """Lengths of metaorders: P(length > l) = (l + 1)^-alpha; infinity makes signs independent."""
    inside: float = 0.5
    """Limit orders at the law's price, which rest while nothing else does there."""

    def __post_init__(self) -> None:
        for name, least, most in LIMITS:
            if not least <= getattr(self, name) <= most:
                value = getattr(self, name)
                raise ValueError(f"flow with {name} = {value}: use {least} to {most}")
        if not self.alpha > 1:
            raise ValueError(f"flow with alpha = {self.alpha}: use a number above 1")
        if not (entering := 2 * self.theta * self.counts.sum()) <= LARGEST_MEAN:
            raise ValueError(
                f"flow of {entering:.0f} limit orders per slot: reduce theta, orders or levels "
                f"until there are at most {LARGEST_MEAN:.0f}"
            )

    @property
    def sizes(self) -> Floats:
        """Mean size of an order at each level, shape (levels,)."""
        return self.size * np.sqrt(np.arange(1, self.levels + 1))

    @property
    def counts(self) -> Floats:
        """Mean number of resting orders at each level without steps of the law."""
        i = np.arange(1, self.levels + 1)
        shape = np.sqrt(i) / (1 + (i / self.i0) ** (2 + self.mu))
        scaled: Floats = self.orders * shape / shape[0]
        return scaled

    @property
    def depth(self) -> Floats:
        """Target depth at each level in lots: the mean without steps of the law."""
        return self.counts * self.sizes

    @property
    def rates(self) -> Rates:
        return Rates(
            add_totals=np.cumsum(self.theta * self.counts),
            scales=np.array([scale_of_mean(size) for size in self.sizes.tolist()]),
            theta=float(self.theta),
            market_orders=float(self.market_orders),
            inside=float(self.inside),
            alpha=float(self.alpha),
        )
