"""Django's PostgreSQL backend with a limit on how long a statement may take."""
