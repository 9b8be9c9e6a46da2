"""A small WSGI server: one selector thread and a fixed pool of worker threads."""
