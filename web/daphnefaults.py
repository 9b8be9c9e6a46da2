"""Patch of daphne: a response that fails half-way closes its connection, as on uvicorn.

Daphne starts a second response, which raises inside its periodic check of all connections: the
client waits forever, and the check never runs again.
"""

from daphne.http_protocol import WebRequest

handle_exception = WebRequest.handle_exception


def abort_started(self: WebRequest, exception: Exception) -> None:
    """Abort the connection of an incomplete response; answer 500 if none has started."""
    if not self._response_started:
        handle_exception(self, exception)
    elif self.channel is not None:
        self.channel.transport.abortConnection()


def patch() -> None:
    WebRequest.handle_exception = abort_started
