"""A pool of processes that work on one array in shared memory.

The array is a file without a name, handed to each worker as an open descriptor: nothing is
pickled or copied, and nothing is left behind after a kill. The workers are separate programs
(indicators/poolworker.py), not forks: that works in any process, including Celery's daemonic
ones, and inherits no thread or lock. A worker ends when its parent closes the socket or dies.
"""

import atexit
import mmap
import os
import select
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from typing import IO, Any

import numpy as np

from indicators.poolwire import Answer, Work, receive, send

ROOT = Path(__file__).resolve().parent.parent


class WorkerError(RuntimeError):
    """A worker failed; the message is its traceback, or that it was killed."""


class Worker:
    """One process that computes one piece of work at a time."""

    def __init__(self, module: str) -> None:
        """Start the process, which imports `module` before it reports that it is ready."""
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, "-m", "indicators.poolworker", str(theirs.fileno()), module],
                cwd=ROOT,
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                env=os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
            )
        self._socket = ours
        self._greeted = False

    @property
    def is_ready(self) -> bool:
        """Whether it can start work at once."""
        if self._greeted or self._socket.fileno() < 0:  # a closed one is replaced at the next call
            return True
        return bool(self._poll(0))

    def wait_until_ready(self) -> None:
        if not self.is_ready:
            self._poll(None)

    def _poll(self, timeout_ms: int | None) -> list[tuple[int, int]]:
        poller = select.poll()  # select() itself cannot see descriptors above 1023
        poller.register(self._socket, select.POLLIN)
        return poller.poll(timeout_ms)

    def run(self, work: Work, descriptor: int) -> Any:
        try:
            if not self._greeted:
                receive(self._socket)
                self._greeted = True
            send(self._socket, work, descriptor)
            answer: Answer = receive(self._socket)[0]
        except (EOFError, OSError) as error:
            self.close()
            raise WorkerError(f"worker {self._process.pid} ended: {error or 'killed'}") from error
        if answer.traceback is not None:
            raise WorkerError(answer.traceback)
        return answer.result

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def close(self) -> None:
        self._socket.close()
        self._process.wait()


class SharedPool:
    """Workers that persist between calls; they import `module` when they start."""

    def __init__(self, size: int, module: str) -> None:
        self.size = size
        self._module = module
        self._idle: SimpleQueue[Worker] = SimpleQueue()
        self._starting = [Worker(module) for _ in range(size)]
        for worker in self._starting:
            self._idle.put(worker)
        self._threads = ThreadPoolExecutor(size, thread_name_prefix="shared pool")

    @property
    def is_ready(self) -> bool:
        """Whether all workers have started (this does not wait for them)."""
        self._starting = [worker for worker in self._starting if not worker.is_ready]
        return not self._starting

    def wait_until_ready(self) -> None:
        for worker in self._starting:
            worker.wait_until_ready()

    def map(
        self, function: str, array: np.ndarray[Any, Any], arguments: Sequence[tuple[Any, ...]]
    ) -> list[Any]:
        """Return function(array, *arguments[i]) for each i, in order.

        `function` is "module:name"; `array` is read-only there. Raises WorkerError when a worker
        fails; a worker that was killed is replaced at the next call.
        """
        with shared(array) as descriptor:

            def run(arguments: tuple[Any, ...]) -> Any:
                worker = self._idle.get()
                try:
                    if not worker.is_alive:
                        worker.close()
                        worker = Worker(self._module)
                    work = Work(function, array.shape, array.dtype.str, arguments)
                    return worker.run(work, descriptor)
                finally:
                    self._idle.put(worker)

            parts = [self._threads.submit(run, each) for each in arguments]
            try:
                wait(parts)
            finally:  # if interrupted, keep the descriptor open while a thread may send it
                for part in parts:
                    part.cancel()
                wait(parts)
            return [part.result() for part in parts]

    def close(self) -> None:
        self._threads.shutdown()
        while not self._idle.empty():
            self._idle.get().close()


def nameless_file() -> IO[bytes]:
    """Return an anonymous file in memory; without memfd, a temporary file on disk."""
    if sys.platform == "linux":
        return open(os.memfd_create("series"), "w+b")
    return tempfile.TemporaryFile()


@contextmanager
def shared(array: np.ndarray[Any, Any]) -> Iterator[int]:
    """Yield a descriptor of memory that holds a copy of `array`."""
    with nameless_file() as file:
        file.truncate(max(1, array.nbytes))
        if array.nbytes:
            with mmap.mmap(file.fileno(), array.nbytes) as memory:
                target = np.ndarray(array.shape, array.dtype, memory)
                target[...] = array
                del target
        yield file.fileno()


_making = threading.Lock()


def _after_fork() -> None:
    """Let no child wait for a thread that only its parent has."""
    global _making
    _making = threading.Lock()


os.register_at_fork(after_in_child=_after_fork)


_pools: dict[tuple[int, int, str], SharedPool] = {}


def _key(size: int | None, module: str) -> tuple[int, int, str]:
    return os.getpid(), size or os.cpu_count() or 1, module


def pool(size: int | None, module: str) -> SharedPool:
    """Return the pool of this process (a fork makes its own), by default of all processors."""
    key = _key(size, module)
    with _making:
        if key not in _pools:
            _pools[key] = SharedPool(key[1], module)
            atexit.register(_pools[key].close)
        return _pools[key]


def is_pool_ready(size: int | None, module: str) -> bool:
    """Whether `pool` would answer at once; this starts nothing."""
    found = _pools.get(_key(size, module))
    return found is not None and found.is_ready
