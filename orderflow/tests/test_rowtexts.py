"""Rows written by the kernel are the JSON that their numbers make."""

import json
from decimal import Decimal

import numpy as np
import pytest

from instruments.lattice import Lattice
from orderflow.clusters import of_trades
from orderflow.rowtexts import COLUMNS, RowTexts, row_texts
from orderflow.tests.naive import random_trades
from orderflow.valueareas import areas


def read(texts: RowTexts, i: int) -> list[object]:
    found: list[object] = json.loads(texts[i], parse_float=Decimal, parse_int=Decimal)
    return found


@pytest.mark.parametrize("tick", ["0.25", "1", "0.0000000001", "5", "0.1"])
@pytest.mark.parametrize("lot", ["1", "0.001", "0.0000000001", "100"])
@pytest.mark.parametrize("largest", [1, 10**9, 10**14])
def test_rows_have_exact_decimals(tick: str, lot: str, largest: int) -> None:
    trades = random_trades(np.random.default_rng(1), 60)
    trades["lots"][::5] = largest
    trades["ticks"][::9] = 1
    trades["ticks"][::7] = largest
    lattice = Lattice(Decimal(tick), Decimal(lot))
    for step in (1, 20):
        clusters = of_trades(trades, 300, step)
        found = areas(clusters)
        texts = row_texts(clusters, step, lattice)
        for i in range(len(clusters)):
            prices = [clusters[name][i] for name in COLUMNS[1:5]]
            quantities = [clusters[name][i] for name in COLUMNS[5:9]]
            prices += [each[i] for each in found]
            rows = [
                [int(p) * Decimal(tick), int(s) * Decimal(lot), int(b) * Decimal(lot), int(n)]
                for p, s, b, n in clusters.rows_of(i).tolist()
            ]
            assert read(texts, i) == [
                int(clusters["opened_at"][i]) // 1000,
                *(int(each) * Decimal(tick) for each in prices[:4]),
                *(int(each) * Decimal(lot) for each in quantities),
                *(int(each) * Decimal(tick) for each in prices[4:]),
                step,
                rows,
                int(clusters["first_seq"][i]),
                int(clusters["last_seq"][i]),
            ]
