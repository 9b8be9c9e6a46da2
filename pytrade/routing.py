"""Route connections by path and protocol: to a door, HTTP to Django, WebSocket to consumers."""

from typing import Any

from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import OriginValidator
from django.conf import settings
from django.urls import path

from live.consumers import StreamConsumer
from pytrade import servers
from pytrade.access import SocketReaders
from venues import catalogue
from venues.doors.application import Mounted
from venues.gateway.consumers import PriceConsumer


class BrowserOriginValidator(OriginValidator):  # type: ignore[misc]  # Channels ships no types
    """Rejects cross-origin pages; accepts clients that send no Origin, such as scripts."""

    def valid_origin(self, parsed_origin: Any) -> bool:
        return parsed_origin is None or bool(super().valid_origin(parsed_origin))


def build_application(django_application: Any) -> ProtocolTypeRouter:
    servers.adapt()
    routes = [
        path("ws/v1/stream", StreamConsumer.as_asgi()),
        path("ws/v1/venues/deribit/<str:token>", PriceConsumer.as_asgi()),
    ]
    sockets = SocketReaders(URLRouter(routes))
    origins = [*settings.ALLOWED_HOSTS, *settings.CSRF_TRUSTED_ORIGINS]
    doors = catalogue.of_site()
    return ProtocolTypeRouter(
        {
            "http": Mounted(doors, django_application),
            "websocket": Mounted(doors, BrowserOriginValidator(sockets, origins)),
        }
    )
