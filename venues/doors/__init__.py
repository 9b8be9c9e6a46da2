"""Doors: protocols of venues, each served as one ASGI application."""
