"""Imports what of Django REST Framework looks for other packages, without those that we do not use.

Otherwise the first request would load them, two fifths of what it loads. On PostgreSQL, psycopg is
loaded already.
"""

from market.leanimports import without

with without("psycopg", "pygments", "requests"):
    import rest_framework.compat  # noqa: F401
