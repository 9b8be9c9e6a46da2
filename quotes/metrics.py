"""What the live path counts, served at /metrics."""

from prometheus_client import Counter, Gauge, Histogram

LATENCIES = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

TICKS_PUBLISHED = Counter("pytrade_ticks_published", "Committed ticks handed to the channel layer.")
PUBLISH_SECONDS = Histogram(
    "pytrade_commit_to_publish_seconds", "From commit to channel layer.", buckets=LATENCIES
)
SEND_SECONDS = Histogram(
    "pytrade_commit_to_send_seconds", "From commit to the last subscriber.", buckets=LATENCIES
)
LAYER_ERRORS = Counter("pytrade_layer_errors", "Times that the channel layer was away.", ["side"])
SOCKETS = Gauge("pytrade_sockets", "Open WebSockets.")
TOPICS = Gauge("pytrade_topics", "Topics that this process is subscribed to.")
FRAMES = Counter("pytrade_frames", "Frames handed to subscribers.")
HOLES = Counter("pytrade_holes_filled", "Holes that were filled from the database.")
CLOSES = Counter("pytrade_closes", "Sockets closed by us.", ["reason"])
