"""Connections of the server in this process."""

import socket

from live.webserver import listening


def test_connections_do_not_collect_what_they_send() -> None:
    with listening("127.0.0.1", 0) as listener:
        with socket.create_connection(listener.getsockname()):
            connection, _ = listener.accept()
        with connection:
            assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
