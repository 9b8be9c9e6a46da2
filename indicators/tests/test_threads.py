"""Threads of the kernels while their process exits."""

import subprocess
import sys

import pytest

from rig.processes import ROOT

EXIT = """if True:
    import threading
    from indicators.threads import map_in_threads, threads

    measured = threading.Event()
    threads().submit(measured.wait)  # the exit waits for this thread

    def measure_while_exiting():
        try:
            while threads().submit(int):
                pass
        except RuntimeError:
            print(map_in_threads(abs, range(-5, 0), 3))
        finally:
            measured.set()

    threading.Thread(target=measure_while_exiting).start()
"""


@pytest.mark.processes
def test_measure_is_completed_while_the_process_exits() -> None:
    command = [sys.executable, "-c", EXIT]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("[5, 4, 3, 2, 1]\n", "")
