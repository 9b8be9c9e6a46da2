"""Process sessions: all processes started by one, even those since re-parented."""

import contextlib
import os
import signal
import time

import psutil

GRACE_S = 35.0
POLL_S = 0.05


def members(session: int, spared: set[int]) -> list[psutil.Process]:
    """Return the running processes of `session`, except the pids in `spared`."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(ProcessLookupError, PermissionError, psutil.NoSuchProcess):
            inside = os.getsid(process.pid) == session and process.pid not in spared
            if inside and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def end_session(session: int, spared: set[int]) -> None:
    """Send SIGTERM to all members not in `spared`, and SIGKILL to those left after GRACE_S."""
    number = signal.SIGTERM
    deadline = time.monotonic() + GRACE_S
    asked: set[psutil.Process] = set()
    while found := members(session, spared):
        if time.monotonic() > deadline:
            number = signal.SIGKILL
            asked.clear()
        for process in set(found) - asked:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(number)
        asked |= set(found)
        time.sleep(POLL_S)
