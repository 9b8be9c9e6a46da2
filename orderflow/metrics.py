"""Metrics of clusters; docs/operations.md lists them."""

from prometheus_client import Counter

CACHED = Counter(
    "pytrade_clusters_cached", "Stretches of closed clusters looked up in the cache.", ["result"]
)
CACHE_ERRORS = Counter("pytrade_clusters_cache_errors", "Failures of the cache of clusters.")
PUSHED = Counter("pytrade_clusters_pushed", "Frames of open clusters sent to topics.")
