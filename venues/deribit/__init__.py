"""Deribit v2: what its messages look like, and the door that serves them."""
