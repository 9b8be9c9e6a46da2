"""Django's SQLite backend, without a log of queries."""

from django.db.backends.sqlite3 import base

from pytrade.querylog import QuietConnection


class DatabaseWrapper(QuietConnection, base.DatabaseWrapper):
    pass
