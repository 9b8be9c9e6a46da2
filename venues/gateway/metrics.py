"""Metrics of the gateway; docs/operations.md lists them."""

from prometheus_client import REGISTRY, Counter, Gauge

READY = Gauge("pytrade_gateway_ready_clients", "Connections to the venue that stand ready.")
TAKEN = Gauge("pytrade_gateway_taken_clients", "Connections to the venue that are in use.")
WAITING = Gauge("pytrade_gateway_waiting_requests", "Requests that wait for the venue.")
REQUESTS = Counter("pytrade_gateway_requests", "Requests sent to the venue.", ["outcome"])
FAILED = Counter("pytrade_gateway_failed_connections", "Connections that could not be opened.")
STREAMS = Gauge("pytrade_gateway_streams", "Open streams of prices to users.")


def streams_here() -> int:
    """Return how many streams of prices this process has open."""
    return int(REGISTRY.get_sample_value("pytrade_gateway_streams") or 0)
