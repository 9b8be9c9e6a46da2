"""Short-lived stream clients that disconnect in four different ways.

Right after the handshake; while subscribing; with a closing handshake after the first reply; and
with a TCP reset after the first reply.
"""

import itertools

from rig.rawsockets import RawSocket, RawSockets

AT_ONCE = 20
PATH = "/ws/v1/stream"
SUBSCRIBE = b'{"op":"subscribe","args":["quotes.*","status.*"],"batch":true}'
ANSWER_S = 60.0


def churn(port: int, clients: int) -> None:
    """Connect and disconnect `clients` clients, AT_ONCE at a time."""
    for _ in range(clients // AT_ONCE):
        with RawSockets() as sockets:
            for _ in range(AT_ONCE):
                sockets.add(RawSocket(port, PATH))
            go_away(sockets)


def go_away(sockets: RawSockets) -> None:
    early, amid, polite, rude = (sockets.all[n::4] for n in range(4))
    for each in early:
        each.close()
    for each in itertools.chain(amid, polite, rude):
        each.send(SUBSCRIBE)
    for each in amid:
        each.abort()
    sockets.forget_closed()
    served: set[RawSocket] = set()
    sockets.read(
        lambda sock, *_: served.add(sock), lambda: len(served) == len(polite + rude), ANSWER_S
    )
    for each in rude:
        each.abort()
    for each in polite:
        each.send_close()
    sockets.forget_closed()
    sockets.read(lambda *_: None, lambda: all(sock.closed for sock in polite), ANSWER_S)
