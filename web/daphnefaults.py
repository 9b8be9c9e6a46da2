"""An answer that fails half-way ends its connection on daphne, as on uvicorn.

Daphne tries to start another answer, which raises within its checks of all connections: the client
waits for ever, and the checks never run again.
"""

from daphne.http_protocol import WebRequest

handle_exception = WebRequest.handle_exception


def abort_started(self: WebRequest, exception: Exception) -> None:
    """Let the client see that an answer is incomplete; answer 500 if none has started."""
    if not self._response_started:
        handle_exception(self, exception)
    elif self.channel is not None:
        self.channel.transport.abortConnection()


def mend() -> None:
    WebRequest.handle_exception = abort_started
