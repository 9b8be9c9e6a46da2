"""Connections that log queries only where a test asks for it.

With DEBUG on, Django's connections format every query for their log, on SQLite with one more query.
That doubles the time of a query, and nothing here reads the log.
"""


class QuietConnection:
    """A mixin of Django's DatabaseWrapper, before it in the bases."""

    force_debug_cursor: bool

    @property
    def queries_logged(self) -> bool:
        return self.force_debug_cursor
