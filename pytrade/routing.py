"""Which door a connection goes through: HTTP to Django, WebSocket to the consumers."""

from typing import Any

from channels.routing import ProtocolTypeRouter


def build_application(django_application: Any) -> ProtocolTypeRouter:
    return ProtocolTypeRouter({"http": django_application})
