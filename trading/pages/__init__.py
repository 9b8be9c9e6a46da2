"""Pages of bots and the screener, rendered by the server."""
