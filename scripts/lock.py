"""A lock file held by one process and its forks at a time."""

import fcntl
from pathlib import Path
from typing import Self


class LockHeldError(Exception):
    """Another process holds the lock; the message is the note it wrote."""


class Lock:
    """Locks `path` and writes `note` into it; released when this process and its forks exit."""

    def __init__(self, path: Path, note: str) -> None:
        self._file = path.open("a+")
        self._note = note

    def __enter__(self) -> Self:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._file.seek(0)
            raise LockHeldError(self._file.read()) from None
        self._file.truncate(0)
        self._file.write(self._note)
        self._file.flush()
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
