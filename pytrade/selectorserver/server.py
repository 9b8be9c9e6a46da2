"""The event loop: one thread waits on all sockets, worker threads call the application."""

import logging
import queue
import selectors
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final
from wsgiref.types import WSGIApplication

from pytrade.selectorserver.parser import MOST_BYTES, BadRequestError, Incomplete, Request, parse
from pytrade.selectorserver.wsgicalls import Answer, Exchange, environ, refusal

logger = logging.getLogger(__name__)
CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
MOST_PIPELINED: Final = 4 * MOST_BYTES
"""Pipelined bytes buffered per connection; above this, the socket is not read."""


@dataclass(frozen=True)
class Limits:
    """Sizes, and times in seconds."""

    workers: int = 8
    queue: int = 64
    connections: int = 512
    request_s: float = 10
    """Longest time to receive a request, and without progress in sending a response."""

    idle_s: float = 30
    stop_s: float = 10


@dataclass(eq=False)
class Connection:
    """One socket: idle, receiving, waiting for a worker, or sending."""

    sock: socket.socket
    client: str
    deadline: float | None
    received: bytearray = field(default_factory=bytearray)
    to_send: memoryview = field(default_factory=lambda: memoryview(b""))
    working: bool = False
    continued: bool = False
    closing: bool = False
    ended: bool = False
    lingering: bool = False
    mask: int = 0


class SelectorServer:
    """Serves a WSGI application. Call `stop()` from any thread or signal handler."""

    def __init__(
        self,
        application: WSGIApplication,
        address: tuple[str, int],
        limits: Limits = Limits(),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._application, self._limits, self._clock = application, limits, clock
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self._listener = socket.create_server(address, family=family, backlog=1024)
        self._listener.setblocking(False)
        name = self._listener.getsockname()
        self.address: tuple[str, int] = (name[0], name[1])
        self._jobs: queue.Queue[tuple[Connection, Request] | None] = queue.Queue(limits.queue)
        self._done: deque[tuple[Connection, Answer]] = deque()
        self._waker, self._woken = socket.socketpair()
        self._waker.setblocking(False)
        self._woken.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._connections: set[Connection] = set()
        self._stopping = False

    def stop(self) -> None:
        """Stop accepting connections, finish pending requests and return from `run()`."""
        self._stopping = True
        self._wake()

    def run(self) -> None:
        threads = [
            threading.Thread(target=self._work, name=f"selector-worker-{n}", daemon=True)
            for n in range(self._limits.workers)
        ]
        for thread in threads:
            thread.start()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._selector.register(self._woken, selectors.EVENT_READ)
        while not self._stopping:
            self._turn()
        self._finish()
        with suppress(queue.Full):  # abandons workers that hang; they are daemon threads
            for _ in threads:
                self._jobs.put(None, timeout=1)
        for thread in threads:
            thread.join(1)
        for sock in (self._waker, self._woken):
            sock.close()
        self._selector.close()

    def _finish(self) -> None:
        """Finish pending requests within `stop_s`, then close every connection."""
        self._selector.unregister(self._listener)
        self._listener.close()
        until = self._clock() + self._limits.stop_s
        while self._clock() < until:
            for connection in list(self._connections):
                if not (connection.working or connection.to_send):
                    self._close(connection)
            if not self._connections:
                return
            self._turn(until)
        for connection in list(self._connections):
            self._close(connection)

    def _turn(self, until: float | None = None) -> None:
        """Wait for events or the next deadline, and process them."""
        deadlines = [c.deadline for c in self._connections if c.deadline is not None]
        soonest = min(deadlines if until is None else [*deadlines, until], default=None)
        wait = None if soonest is None else max(0.0, soonest - self._clock())
        for key, events in self._selector.select(wait):
            if key.fileobj is self._listener:
                self._accept()
            elif key.fileobj is self._woken:
                self._drain()
            elif key.data in self._connections:
                if events & selectors.EVENT_WRITE:
                    self._send(key.data)
                elif events & selectors.EVENT_READ:
                    self._receive(key.data)
        while self._done:
            self._answered(*self._done.popleft())
        self._expire()

    def _wake(self) -> None:
        with suppress(OSError):  # full: a wake-up is already pending; closed: the loop has ended
            self._waker.send(b"!")

    def _drain(self) -> None:
        self._woken.recv(4_096)

    def _accept(self) -> None:
        try:
            sock, peer = self._listener.accept()
        except OSError as error:
            logger.warning("accepting a connection failed: %s", error)
            return
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection = Connection(sock, peer[0], self._clock() + self._limits.idle_s)
        self._connections.add(connection)
        self._watch(connection, selectors.EVENT_READ)
        if len(self._connections) > self._limits.connections:
            self._refuse(connection, HTTPStatus.SERVICE_UNAVAILABLE, "too many connections")

    def _watch(self, connection: Connection, mask: int) -> None:
        if mask == connection.mask:
            return
        if not connection.mask:
            self._selector.register(connection.sock, mask, connection)
        elif not mask:
            self._selector.unregister(connection.sock)
        else:
            self._selector.modify(connection.sock, mask, connection)
        connection.mask = mask

    def _receive(self, connection: Connection) -> None:
        try:
            data = connection.sock.recv(MOST_BYTES)
        except BlockingIOError:
            return
        except OSError:
            self._close(connection)
            return
        if connection.lingering:
            if not data:
                self._close(connection)
            return
        if not data:
            connection.ended = True
            self._watch(connection, 0)
            if not (connection.working or connection.to_send):
                self._close(connection)
            return
        if not connection.received:
            connection.deadline = self._clock() + self._limits.request_s
        connection.received += data
        if connection.working or connection.to_send:
            connection.deadline = connection.deadline if connection.to_send else None
            if len(connection.received) >= MOST_PIPELINED:
                self._watch(connection, 0)
            return
        self._next_request(connection)

    def _next_request(self, connection: Connection) -> None:
        """Queue the next request for the workers once it is complete."""
        try:
            found = parse(bytes(connection.received))
        except BadRequestError as error:
            self._refuse(connection, error.status, str(error))
            return
        if isinstance(found, Incomplete):
            if connection.ended:
                self._close(connection)
            elif found.wants_continue and not connection.continued:
                connection.continued = True
                self._start_sending(connection, CONTINUE)
            return
        request, length = found
        del connection.received[:length]
        try:
            self._jobs.put_nowait((connection, request))
        except queue.Full:
            self._refuse(connection, HTTPStatus.SERVICE_UNAVAILABLE, "all workers are busy")
            return
        connection.working, connection.continued = True, False
        connection.deadline = None

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            connection, request = job
            try:
                made = environ(request, self.address, connection.client)
                answer = Exchange(request, self._stopping).answer(self._application, made)
            except Exception:
                logger.exception("the application failed at %s", request.target.partition("?")[0])
                reason = "the application failed"
                answer = Answer(refusal(HTTPStatus.INTERNAL_SERVER_ERROR, reason), False)
            self._done.append((connection, answer))
            self._wake()

    def _answered(self, connection: Connection, answer: Answer) -> None:
        connection.working = False
        if connection not in self._connections:  # closed in the meantime
            return
        connection.closing = not answer.keep_alive or self._stopping
        self._start_sending(connection, answer.data)

    def _start_sending(self, connection: Connection, data: bytes) -> None:
        connection.to_send = memoryview(data)
        connection.deadline = self._clock() + self._limits.request_s
        self._send(connection)

    def _send(self, connection: Connection) -> None:
        try:
            sent = connection.sock.send(connection.to_send)
        except BlockingIOError:
            sent = 0
        except OSError:
            self._close(connection)
            return
        connection.to_send = connection.to_send[sent:]
        if connection.to_send:
            if sent:
                connection.deadline = self._clock() + self._limits.request_s
            self._watch(connection, selectors.EVENT_WRITE)
            return
        self._sent(connection)

    def _sent(self, connection: Connection) -> None:
        if connection.closing:
            self._linger(connection)
            return
        wait = self._limits.request_s if connection.received else self._limits.idle_s
        connection.deadline = self._clock() + wait
        self._watch(connection, 0 if connection.ended else selectors.EVENT_READ)
        if connection.received:
            self._next_request(connection)
        elif connection.ended:
            self._close(connection)

    def _refuse(self, connection: Connection, status: HTTPStatus, reason: str) -> None:
        connection.closing = True
        connection.received.clear()
        self._start_sending(connection, refusal(status, reason))

    def _linger(self, connection: Connection) -> None:
        """Shut down sending but keep reading, so that no TCP reset discards the response."""
        if connection.ended or self._stopping:
            self._close(connection)
            return
        try:
            connection.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self._close(connection)
            return
        connection.lingering = True
        connection.deadline = self._clock() + min(2.0, self._limits.request_s)
        self._watch(connection, selectors.EVENT_READ)

    def _expire(self) -> None:
        now = self._clock()
        for connection in [
            c for c in self._connections if c.deadline is not None and c.deadline <= now
        ]:
            begun = connection.received and not connection.to_send and not connection.lingering
            if begun:
                self._refuse(connection, HTTPStatus.REQUEST_TIMEOUT, "the request timed out")
            else:
                self._close(connection)

    def _close(self, connection: Connection) -> None:
        self._watch(connection, 0)
        self._connections.discard(connection)
        connection.sock.close()
