"""Tasks that only tests send to a real worker."""

import numpy as np

from indicators.scanning import scan
from web.taskqueue import app


@app.task(ignore_result=False)
def scan_in_pool() -> list[float | None]:
    """Use the pool of processes inside the (daemonic) process of a worker."""
    matrix = np.random.default_rng(1).normal(size=(8, 600)).cumsum(axis=1)
    return [row[0].value for row in scan(matrix, [("hurst", {})], workers=2)]
