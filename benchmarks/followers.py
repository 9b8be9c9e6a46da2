"""Locust users that follow topics over WebSocket, disconnect, and resume."""

import json
import time
from typing import Any

import websocket
from locust import User, between, events, task

FRAME_S = 10.0
VISIT_S = 10.0
"""Followers disconnect after this time, reconnect and resume."""


class Follower(User):
    """Follows topics; the response time of a frame is the wait for it."""

    abstract = True
    wait_time = between(0, 1)

    def request(self) -> dict[str, Any]:
        """Return the operation that subscribes, or resumes."""
        raise NotImplementedError

    def take(self, frame: dict[str, Any]) -> None:
        """Take a frame of a topic; raise ValueError for what is missing or came twice."""
        raise NotImplementedError

    @task
    def watch(self) -> None:
        address = self.host.replace("http", "ws", 1) + "/ws/v1/stream"
        started = time.monotonic()
        try:
            socket = websocket.create_connection(address, timeout=FRAME_S)
        except (OSError, websocket.WebSocketException) as error:
            fire("connect", started, 0, error)
            return
        fire("connect", started)
        try:
            self.follow(socket)
        finally:
            socket.close()

    def follow(self, socket: websocket.WebSocket) -> None:
        socket.send(json.dumps(self.request()))
        ends = time.monotonic() + VISIT_S
        while (started := time.monotonic()) < ends:
            try:
                text = socket.recv()
                self.take_all(json.loads(text))
            except (OSError, ValueError, websocket.WebSocketException) as error:
                fire("frames", started, 0, error)
                return
            fire("frames", started, len(text))

    def take_all(self, message: Any) -> None:
        for frame in message if isinstance(message, list) else [message]:
            if frame.get("op") == "error":
                raise ValueError(frame["detail"])
            if "topic" in frame:
                self.take(frame)


def fire(name: str, started: float, length: int = 0, error: Exception | None = None) -> None:
    events.request.fire(
        request_type="WebSocket",
        name=name,
        response_time=(time.monotonic() - started) * 1000,
        response_length=length,
        exception=error,
        context={},
    )
