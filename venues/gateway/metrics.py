"""Health of the gateway for Prometheus."""

from prometheus_client import Counter, Gauge

READY = Gauge("pytrade_gateway_ready_clients", "Connections to the venue that stand ready")
TAKEN = Gauge("pytrade_gateway_taken_clients", "Connections to the venue that are in use")
WAITING = Gauge("pytrade_gateway_waiting_requests", "Requests that wait for the venue")
REQUESTS = Counter("pytrade_gateway_requests_total", "Requests sent to the venue", ["outcome"])
RECONNECTS = Counter("pytrade_gateway_failed_connections_total", "Connections that failed")
