"""Clusters equal a plain aggregation of their trades, in every timeframe and step."""

import numpy as np
import pytest

from market.timeframes import SECONDS
from orderflow.clusters import Clusters, coarsen, in_steps, joined, merged, of_trades
from orderflow.ladder import ClusterLadder
from orderflow.packing import CorruptClusterError, decode, encode
from orderflow.tests.naive import as_dicts, naive_area, naive_cluster, naive_clusters, random_trades
from orderflow.valueareas import areas


@pytest.mark.parametrize("seconds", SECONDS)
@pytest.mark.parametrize("step", [1, 5, 7])
def test_clusters_equal_a_plain_aggregation(seconds: int, step: int) -> None:
    trades = random_trades(np.random.default_rng(seconds + step), 2_000, pause_s=seconds / 20)
    assert as_dicts(of_trades(trades, seconds, step)) == naive_clusters(trades, seconds, step)


def test_prices_far_apart_need_little_memory() -> None:
    trades = random_trades(np.random.default_rng(1), 50)
    trades["ticks"][::7] = 10**15
    assert as_dicts(of_trades(trades, 60, 5)) == naive_clusters(trades, 60, 5)


@pytest.mark.parametrize("step", [1, 10])
def test_coarser_clusters_are_composed_exactly(step: int) -> None:
    trades = random_trades(np.random.default_rng(2), 3_000)
    pieces = of_trades(trades, SECONDS[0])
    for seconds in SECONDS:
        pieces = coarsen(pieces, seconds)
        assert as_dicts(coarsen(pieces, seconds, step)) == naive_clusters(trades, seconds, step)
        assert as_dicts(in_steps(pieces, step)) == naive_clusters(trades, seconds, step)
    whole = naive_cluster(5, list(trades), step)
    assert as_dicts(merged(of_trades(trades, SECONDS[0]), 5, step)) == [whole]


def test_ladder_closes_every_cluster_once_however_trades_arrive() -> None:
    rng = np.random.default_rng(3)
    trades = random_trades(rng, 4_000, pause_s=60)
    cuts = np.sort(rng.choice(len(trades), 300, replace=False))
    ladder = ClusterLadder.empty()
    closed: dict[int, list[Clusters]] = {seconds: [] for seconds in SECONDS}
    for batch in np.split(trades, cuts):
        if len(batch):
            failed = ladder.copy()
            failed.extend(batch)  # a transaction that failed leaves no trace
            for seconds, clusters in ladder.extend(batch).items():
                closed[seconds].append(clusters)
    for seconds in SECONDS:
        found = as_dicts(joined(closed[seconds])) if closed[seconds] else []
        assert found == naive_clusters(trades, seconds, 1)[:-1]


def test_value_area_grows_row_by_row_from_the_point_of_control() -> None:
    rng = np.random.default_rng(4)
    clusters = of_trades(random_trades(rng, 3_000), 900)
    clusters.rows[:, 1:3] //= 20  # many rows with equal volumes
    found = areas(clusters)
    for i in range(len(clusters)):
        rows = [tuple(row) for row in clusters.rows_of(i).tolist()]
        assert (found.poc[i], found.low[i], found.high[i]) == naive_area(rows)


def test_packed_clusters_are_read_back() -> None:
    clusters = of_trades(random_trades(np.random.default_rng(5), 2_000), 300)
    blobs = encode(clusters)
    found = decode(blobs, clusters["opened_at"], clusters["first_seq"], clusters["last_seq"])
    assert as_dicts(found) == as_dicts(clusters)
    assert decode([], clusters["opened_at"][:0], *[clusters["first_seq"][:0]] * 2).starts[0] == 0


def test_corrupt_clusters_are_refused() -> None:
    clusters = of_trades(random_trades(np.random.default_rng(6), 200), 60)
    blobs = encode(clusters)
    fields = [clusters[name][:2] for name in ("opened_at", "first_seq", "last_seq")]
    for bad in (b"", b"\x02", blobs[1][:-1], blobs[1] + b"\0", b"\x01" + b"\xff" * 20, b"\x01\0\0"):
        with pytest.raises(CorruptClusterError, match="cluster 2 of 2"):
            decode([blobs[0], bad], *fields)
