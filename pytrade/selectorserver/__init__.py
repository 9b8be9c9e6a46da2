"""A small HTTP server for WSGI: one selector thread and a fixed pool of worker threads."""
