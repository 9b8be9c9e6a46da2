"""Deribit as a client sees it: connections, the feed and the broker."""
