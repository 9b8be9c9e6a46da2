"""Loads the compiled kernels before trades need them. Pure."""

from decimal import Decimal
from functools import cache

import numpy as np

from exchange.kinds import TRADES
from instruments.lattice import Lattice
from orderflow.clusters import in_steps, merged, of_trades
from orderflow.packing import decode, encode
from orderflow.rowtexts import row_texts
from orderflow.steps import following_steps


@cache
def load_kernels() -> None:
    """Use every kernel once, on one trade that is thrown away."""
    trades = np.ones(1, TRADES.dtype)
    clusters = merged(of_trades(trades, 60), 0)
    blobs = encode(in_steps(clusters, 2))
    decode(blobs, clusters["opened_at"], clusters["first_seq"], clusters["last_seq"])
    row_texts(clusters, 1, Lattice(Decimal(1)))
    following_steps(clusters)
