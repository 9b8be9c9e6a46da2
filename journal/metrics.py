"""Metrics of the journal and its sources; docs/operations.md lists them."""

from prometheus_client import Counter, Gauge, Histogram

LATENCIES = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

SCHEDULE_LAG_SECONDS = Gauge(
    "pytrade_schedule_lag_seconds", "How late the newest record of the latest source came."
)
LATE_SLOTS = Gauge("pytrade_late_slots", "Slots of this run that came too late for a tick.")
QUEUE_RECORDS = Gauge("pytrade_journal_queue_records", "Records that wait for the journal.")
FLUSH_SECONDS = Histogram(
    "pytrade_flush_seconds", "From the start of a flush to its commit.", buckets=LATENCIES
)
RECORDS = Counter("pytrade_records", "Records committed live.", ["kind"])
