"""Run the full PyTrade stack on this machine, with PostgreSQL and Redis.

    python -m scripts.up [--address 127.0.0.1:8000] [--web N] [--data FOLDER]

DATABASE_URL and REDIS_URL, from the environment or `.env`, name services that are already running.
Missing services are started here, with their data in FOLDER (default `.services`). Ctrl-C stops the
roles first, then the services.

Three processes supervise each other: if one is killed, another stops the rest.

    scripts.up       the front: receives signals and waits; a pipe (the leash) closes if it dies
      scripts.up     the stack: owns the services and its own process session
        supervisord  runs and restarts the roles of supervisord.conf
"""

import argparse
import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import IO

import environ

from scripts.keeping import Keeper
from scripts.lock import Lock, LockHeldError
from scripts.services import PostgreSQL, Redis, Service
from scripts.sessions import end_session

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Options(argparse.Namespace):
    address: tuple[str, int]
    web: int
    data: Path
    roles: Path


def address(text: str) -> tuple[str, int]:
    """Parse HOST:PORT."""
    host, _, port = text.rpartition(":")
    if not (host and port.isdigit() and 0 < int(port) < 65536):
        raise argparse.ArgumentTypeError(f"{text!r} is not HOST:PORT, e.g. 127.0.0.1:8000")
    return host, int(port)


def arguments() -> Options:
    parser = argparse.ArgumentParser(description="Run the full stack on this machine.")
    parser.add_argument(
        "--address", type=address, default="127.0.0.1:8000", help="address of the first web process"
    )
    parser.add_argument("--web", type=int, default=1, help="number of web processes")
    parser.add_argument(
        "--data", type=Path, default=ROOT / ".services", help="data folder of the services"
    )
    parser.add_argument(
        "--roles", type=Path, default=ROOT / "supervisord.conf", help="supervisord configuration"
    )
    return parser.parse_args(namespace=Options())


def refuse_taken_ports(host: str, ports: range) -> None:
    for port in ports:
        try:
            socket.create_server((host, port)).close()
        except OSError as error:
            sys.exit(f"cannot listen on {host}:{port}: {error.strerror}; set another ADDRESS=")


def manage(*arguments: str) -> None:
    """Run a manage.py command; exit with its code if it fails."""
    done = subprocess.run([sys.executable, "manage.py", *arguments], cwd=ROOT, check=False)
    if done.returncode:
        sys.exit(done.returncode)


@contextlib.contextmanager
def signals_later() -> Iterator[None]:
    """Defer signals until the end of the block."""
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)


def leave(_number: int, _frame: FrameType | None) -> None:
    """Exit and unwind the context managers; ignore further signals."""
    ignore_signals()
    sys.exit(0)


def ignore_signals() -> None:
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def end_with_front(leash: int) -> None:
    """Wait until the front closes its end of the leash, then send SIGTERM to this process."""
    os.read(leash, 1)
    os.kill(os.getpid(), signal.SIGTERM)


@contextlib.contextmanager
def services(postgresql: PostgreSQL | None) -> Iterator[Callable[[], set[int]]]:
    """Start the services missing from the environment and keep them running.

    Yield a function that returns the pids of this session that are not roles.
    """
    redis: Redis | None = None
    kept: dict[str, Service] = {}
    with contextlib.ExitStack() as stack:
        if postgresql is not None:
            with signals_later():  # an interrupted initdb leaves a database that never starts
                os.environ["DATABASE_URL"] = stack.enter_context(postgresql).url
            kept["PostgreSQL"] = postgresql
        if not os.environ.get("REDIS_URL"):
            redis = stack.enter_context(Redis())
            os.environ["REDIS_URL"] = redis.url
            kept["Redis"] = redis
        with Keeper(kept):  # which may start Redis again, with another pid
            yield lambda: {os.getpid()} | ({redis.pid} if redis else set())


def show(output: IO[str]) -> None:
    for line in output:
        print(line, end="", flush=True)


def run_roles(configuration: Path, own: Callable[[], set[int]]) -> int:
    """Run supervisord until it exits or a signal arrives; stop every role in either case."""
    command = [str(BIN / "supervisord"), "--configuration", str(configuration)]
    supervisor = subprocess.Popen(
        [*command, "--user", str(os.getuid())],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        process_group=0,
        text=True,
        errors="replace",
    )
    assert supervisor.stdout is not None
    try:
        show(supervisor.stdout)
        code = supervisor.wait()
        print(f"supervisord exited with code {code}: stopping PyTrade", file=sys.stderr)
    finally:
        ignore_signals()
        supervisor.terminate()
        with contextlib.suppress(BrokenPipeError):
            show(supervisor.stdout)
        end_session(os.getpid(), own())
    return 1


def run_stack(options: Options, postgresql: PostgreSQL | None, leash: int) -> int:
    """Run services and roles until a signal arrives or the front dies."""
    host, port = options.address
    os.environ |= {"UP_BIN": str(BIN), "UP_DATA": str(options.data.resolve()), "UP_HOST": host}
    os.environ |= {"UP_PORT": str(port), "UP_WEB": str(options.web)}
    os.environ.setdefault("DERIBIT_URL", f"ws://{host}:{port}/deribit/ws/api/v2")
    os.environ["UP_RUNSIM_OPTIONS"] = os.environ.get("RUNSIM_OPTIONS", "")
    os.environ["UP_COLOURS"] = "on" if sys.stdout.isatty() else "off"
    with services(postgresql) as own:
        threading.Thread(target=end_with_front, args=(leash,), daemon=True).start()
        manage("preparedatabase", "--json")
        manage("seedinstruments")
        for web in range(options.web):
            print(f"PyTrade: http://{host}:{port + web}", flush=True)
        return run_roles(options.roles, own)


def wait_for(stack: int, postgresql: PostgreSQL | None) -> int:
    """Wait for the stack, forward signals to it, and clean up if it was killed."""

    def pass_on(_number: int, _frame: FrameType | None) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(stack, signal.SIGTERM)

    for number in SIGNALS:
        signal.signal(number, pass_on)
    code = os.waitstatus_to_exitcode(os.waitpid(stack, 0)[1])
    if code < 0:
        end_session(stack, set())
        if postgresql is not None:
            postgresql.end_running()
        print(f"the stack was killed by signal {-code}", file=sys.stderr)
    return abs(code)


def start(options: Options) -> int:
    host, port = options.address
    refuse_taken_ports(host, range(port, port + options.web))
    postgresql = None if os.environ.get("DATABASE_URL") else PostgreSQL(options.data / "postgresql")
    for number in SIGNALS:
        signal.signal(number, leave)
    leash, held_by_front = os.pipe()
    if stack := os.fork():
        os.close(leash)
        return wait_for(stack, postgresql)
    os.setsid()
    os.close(held_by_front)
    return run_stack(options, postgresql, leash)


def main() -> int:
    options = arguments()
    options.data.mkdir(exist_ok=True)
    environ.Env.read_env(ROOT / ".env")
    os.environ |= {"DEBUG": os.environ.get("DEBUG", "on"), "PYTHONUNBUFFERED": "1"}
    host, port = options.address
    try:
        with Lock(options.data / "lock", f"pid {os.getpid()}, http://{host}:{port}"):
            return start(options)
    except LockHeldError as held:
        print(f"PyTrade is already running in this checkout: {held}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
