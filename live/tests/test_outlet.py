"""What a slow client receives, without real networks."""

import asyncio
import json

import pytest

from live.batchclock import BatchClock
from live.frames import publication
from live.outlet import Outlet


def ticks(seq):
    frame = {"topic": "quotes.ES", "type": "ticks", "data": [(seq, seq * 1000, 1.0)]}
    return publication(frame, seq, seq)


class Server:
    """An ASGI send that can block."""

    def __init__(self):
        self.texts = []
        self.taking = asyncio.Event()
        self.taking.set()
        self.fell = asyncio.Event()
        self.gone = False

    async def send(self, message):
        await self.taking.wait()
        if self.gone:
            raise ConnectionResetError
        self.texts.append(message["text"])

    async def fallen(self):
        self.fell.set()

    def seqs(self):
        return [row[0] for text in self.texts for row in json.loads(text).get("data", [])]


async def test_fast_reader_gets_each_frame_immediately():
    server = Server()
    out = Outlet(server.send, 1000, server.fallen)
    for seq in range(1, 4):
        out.offer(ticks(seq))
    assert server.seqs() == [1, 2, 3]


async def test_slow_reader_gets_everything_in_order_if_it_fits_the_backlog():
    server = Server()
    out = Outlet(server.send, 10_000, server.fallen)
    server.taking.clear()
    for seq in range(1, 11):
        out.offer(ticks(seq))
    server.taking.set()
    await out.send(ticks(11)["text"])
    assert server.seqs() == list(range(1, 12))
    assert not server.fell.is_set()


async def test_reader_over_its_backlog_gets_a_gap_and_is_closed():
    server = Server()
    out = Outlet(server.send, 500, server.fallen)
    server.taking.clear()
    for seq in range(1, 101):
        out.offer(ticks(seq))
    server.taking.set()
    await asyncio.wait_for(server.fell.wait(), 5)
    first, gap = (json.loads(text) for text in server.texts)
    assert first["data"][0][0] == 1
    assert gap == {"topic": "quotes.ES", "type": "gap", "from_seq": 2, "to_seq": 100}


@pytest.mark.parametrize(("frames", "gone"), [(2, True), (100, False)])
async def test_send_ends_when_its_reader_disconnects_or_falls_behind(frames, gone):
    server = Server()
    out = Outlet(server.send, 500, server.fallen)
    server.taking.clear()
    for seq in range(1, frames + 1):
        out.offer(ticks(seq))
    waiting = asyncio.create_task(out.send(ticks(frames + 1)["text"]))
    await asyncio.sleep(0)
    server.gone = gone
    server.taking.set()
    await asyncio.wait_for(waiting, 5)
    assert frames + 1 not in server.seqs()


async def test_reader_over_its_backlog_is_reported_immediately():
    server, reported = Server(), []
    out = Outlet(server.send, 500, server.fallen, lambda: reported.append(True))
    server.taking.clear()
    for seq in range(1, 101):
        out.offer(ticks(seq))
    assert reported == [True]
    assert server.texts == []
    out.close()


async def test_batching_client_gets_one_message_per_flush():
    server = Server()
    out = Outlet(server.send, 10_000, server.fallen)
    out.batching = True
    for seq in range(1, 4):
        out.offer(ticks(seq))
    await out.send(ticks(4)["text"])
    together, alone = (json.loads(text) for text in server.texts)
    assert [frame["data"][0][0] for frame in together] == [1, 2, 3]
    assert [frame["data"][0][0] for frame in alone] == [4]


async def test_batches_of_all_sockets_are_sent_when_deliveries_pause():
    batches, servers = BatchClock(), [Server(), Server()]
    outlets = [Outlet(each.send, 10_000, each.fallen, batches=batches) for each in servers]
    for out in outlets:
        out.batching = True
    for seq in range(1, 4):
        batches.more()
        for out in outlets:
            out.offer(ticks(seq))
        await asyncio.sleep(0)
    while not servers[1].texts:
        await asyncio.sleep(0)
    for server in servers:
        (text,) = server.texts
        assert [frame["data"][0][0] for frame in json.loads(text)] == [1, 2, 3]
