"""A worker of a SharedPool: `python -m indicators.poolworker DESCRIPTOR MODULE`."""

import mmap
import os
import select
import signal
import socket
import sys
import threading
import traceback
from contextlib import suppress
from importlib import import_module
from typing import Any

import numpy as np

from indicators.poolwire import Answer, Work, receive, send


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends us, by closing the socket
    import_module(sys.argv[2])
    with socket.socket(fileno=int(sys.argv[1])) as parent, suppress(EOFError, OSError):
        threading.Thread(target=end_with, args=[parent], daemon=True).start()
        send(parent, Answer("ready", None))
        while True:
            send(parent, answer(*receive(parent)))


def end_with(parent: socket.socket) -> None:
    """End this process when the parent ends, even during a computation."""
    poller = select.poll()
    poller.register(parent, 0)  # POLLHUP is always reported
    poller.poll()
    os._exit(0)


def answer(work: Work, descriptor: int | None) -> Answer:
    if descriptor is None:
        return Answer(None, "the work came without its array")
    try:
        return Answer(compute(work, descriptor), None)
    except Exception:  # sent to the parent, which raises it
        return Answer(None, traceback.format_exc())


def compute(work: Work, descriptor: int) -> Any:
    module, _, name = work.function.partition(":")
    function = getattr(import_module(module), name)
    size = int(np.prod(work.shape)) * np.dtype(work.dtype).itemsize
    try:
        if size == 0:
            return function(np.empty(work.shape, work.dtype), *work.arguments)
        with mmap.mmap(descriptor, size, access=mmap.ACCESS_READ) as memory:
            array = np.frombuffer(memory, work.dtype).reshape(work.shape)
            result = function(array, *work.arguments)
            del array
            return result
    finally:
        os.close(descriptor)


if __name__ == "__main__":
    main()
