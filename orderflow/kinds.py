"""The table of closed clusters. Pure."""

from typing import Final

import numpy as np

from market.kinds import Column, Table, Unit

CLUSTERS: Final = Table(
    name="clusters",
    dtype=np.dtype(
        [
            ("instrument", np.int64),
            ("timeframe", np.int32),
            ("opened_at", np.int64),
            ("number", np.int64),  # of the instrument's clusters of this timeframe: 1, 2, 3 ...
            ("first_seq", np.int64),
            ("last_seq", np.int64),
            ("mark", np.int64),  # orderflow/marks.py
            ("data", object),  # bytes, orderflow/packing.py: rows of one tick
        ]
    ),
    table="orderflow_cluster",
    columns=(
        Column("opened_at", "opened_at", Unit.TIME),
        *(Column(name, name) for name in ("number", "first_seq", "last_seq", "mark")),
    ),
)
