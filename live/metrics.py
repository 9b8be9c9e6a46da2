"""Metrics of recording and the live path; docs/operations.md lists them."""

from prometheus_client import Counter, Gauge, Histogram

LATENCIES = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

# The process that records.
RECORDS_PUBLISHED = Counter(
    "pytrade_records_published", "Committed records handed to the channel layer.", ["kind"]
)
PUBLISH_SECONDS = Histogram(
    "pytrade_commit_to_publish_seconds", "From commit to channel layer.", buckets=LATENCIES
)
LAYER_ERRORS = Counter("pytrade_layer_errors", "Failed calls to the channel layer.", ["side"])

# A web process.
SEND_SECONDS = Histogram(
    "pytrade_commit_to_send_seconds", "From commit to the last subscriber.", buckets=LATENCIES
)
SOCKETS = Gauge("pytrade_sockets", "Open WebSockets.")
EVENT_STREAMS = Gauge("pytrade_event_streams", "Open streams of server-sent events.")
TOPICS = Gauge("pytrade_topics", "Topics that this process is subscribed to.")
FRAMES = Counter("pytrade_frames", "Frames handed to subscribers.")
BUFFERED_BYTES = Gauge("pytrade_buffered_bytes", "Bytes buffered for slow clients.")
GAPS = Counter("pytrade_gaps", "Gap frames sent to clients.")
HOLES = Counter("pytrade_holes_filled", "Holes in a stream that were filled from the database.")
READS = Counter("pytrade_stream_reads", "Reads of the database for streams, shared by subscribers.")
DROPPED = Counter(
    "pytrade_publications_dropped",
    "Publications dropped from a full queue; subscribers get their rows from the database.",
    ["side"],
)
CLOSES = Counter("pytrade_closes", "Connections closed by this process.", ["reason"])
