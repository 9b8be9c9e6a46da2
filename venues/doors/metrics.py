"""Metrics of doors; docs/operations.md lists them."""

from prometheus_client import Counter

REQUESTS = Counter(
    "pytrade_door_requests", "Requests over HTTP that a door answered.", ["venue", "code"]
)
