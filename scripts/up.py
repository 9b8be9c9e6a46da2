"""Run every role of the Procfile on this machine, with PostgreSQL and Redis under them.

    python scripts/up.py [--port 8000] [--web N] [--data FOLDER]

DATABASE_URL and REDIS_URL, from the environment or `.env`, name services that run already; what
they leave out is started here, its data kept in FOLDER (`.services`). Ctrl-C ends the roles first,
then the services.
"""

import argparse
import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import FrameType

import environ
from services import PostgreSQL, Redis

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent


def start_missing(stack: contextlib.ExitStack, data: Path) -> None:
    """Start PostgreSQL and Redis where the environment names none, and name them there."""
    if not os.environ.get("DATABASE_URL"):
        os.environ["DATABASE_URL"] = stack.enter_context(PostgreSQL(data / "postgresql")).url
    if not os.environ.get("REDIS_URL"):
        os.environ["REDIS_URL"] = stack.enter_context(Redis()).url


def manage(*arguments: str) -> None:
    subprocess.run([sys.executable, "manage.py", *arguments], cwd=ROOT, check=True)


def run_roles(port: int, webs: int) -> int:
    """Run the Procfile until it ends; a signal to us ends it and is no failure."""
    command = [str(BIN / "honcho"), "start", "--port", str(port), "--concurrency", f"web={webs}"]
    roles = subprocess.Popen(command, cwd=ROOT, start_new_session=True)

    asked: list[int] = []

    def pass_on(number: int, _frame: FrameType | None) -> None:
        asked.append(number)
        roles.send_signal(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, pass_on)
    returncode = roles.wait()
    return 0 if asked else returncode


def main() -> int:
    parser = argparse.ArgumentParser(description="Run the full stack on this machine.")
    parser.add_argument("--port", type=int, default=8000, help="of the first web process")
    parser.add_argument("--web", type=int, default=1, help="how many web processes")
    parser.add_argument("--data", type=Path, default=ROOT / ".services", help="of the services")
    options = parser.parse_args()
    options.data.mkdir(exist_ok=True)
    environ.Env.read_env(ROOT / ".env")
    os.environ |= {"DEBUG": os.environ.get("DEBUG", "on"), "PYTHONUNBUFFERED": "1"}
    os.environ["SERVICES"] = str(options.data)
    with contextlib.ExitStack() as stack:
        start_missing(stack, options.data)
        manage("migrate", "--verbosity", "0")
        manage("seedinstruments")
        for web in range(options.web):
            print(f"PyTrade: http://127.0.0.1:{options.port + web}", flush=True)
        return run_roles(options.port, options.web)


if __name__ == "__main__":
    sys.exit(main())
