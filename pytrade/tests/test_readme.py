"""The README is correct: its commands, their output, its Python code and its stream."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from websockets.sync.client import ClientConnection

from rig.databases import new_database_url
from rig.processes import ROOT, environment, free_port, open_stream

README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
ADDRESS = "127.0.0.1:8000"


def blocks_with(mark: str) -> list[tuple[str, list[str]]]:
    """Return the lines that start with `mark` in code blocks, each with the lines below it."""
    found: list[tuple[str, list[str]]] = []
    for language, block in BLOCKS:
        if not language and block.startswith(mark):
            for line in block.splitlines():
                if line.startswith(mark):
                    found.append((line.removeprefix(mark), []))
                else:
                    found[-1][1].append(line)
    return found


@contextmanager
def serving(command: list[str], env: dict[str, str]) -> Iterator[tuple[str, ClientConnection]]:
    """Run the README's web process on a free port; yield its address and a WebSocket to it."""
    port = free_port()
    arguments = [sys.executable, "-m", *command, "--port", str(port)]
    with subprocess.Popen(
        arguments, cwd=ROOT, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            with open_stream(port, process) as socket:
                yield f"127.0.0.1:{port}", socket
        finally:
            process.kill()


@pytest.mark.processes
def test_readme_commands_print_the_documented_output(tmp_path: Path) -> None:
    env = environment(new_database_url(tmp_path))
    commands = blocks_with("$ ")
    assert len(commands) > 8
    web = []
    for command, answer in commands:
        words = shlex.split(command)
        if words[:2] == [".venv/bin/python", "manage.py"]:
            done = subprocess.run(
                [sys.executable, *words[1:]],
                cwd=ROOT,
                env=env,
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )
            assert (done.returncode, done.stdout.splitlines()) == (0, answer), done.stderr
        elif words[0].startswith(".venv/bin/") and words[-1] == "&":
            web = [words[0].removeprefix(".venv/bin/"), *words[1:-1]]
        else:
            assert words[0] in {"export", "curl"}
    with serving(web, env) as (address, socket):
        check_answers(address, commands)
        check_stream(socket)
        check_python(address)


def check_answers(address: str, commands: list[tuple[str, list[str]]]) -> None:
    asked = [(shlex.split(command)[1], answer) for command, answer in commands if "curl" in command]
    assert len(asked) > 3
    for url, expected in asked:
        with urlopen(url.replace(ADDRESS, address), timeout=20) as answer:
            assert answer.read().decode().splitlines() == expected


def check_stream(socket: ClientConnection) -> None:
    (wish, frames), *_ = blocks_with("> ")
    socket.send(wish)
    for frame in frames:
        text = socket.recv(timeout=20)
        assert isinstance(text, str)
        assert f"< {text}" == frame


def check_python(address: str) -> None:
    names: dict[str, Any] = {}
    for language, block in BLOCKS:
        if language == "python":
            exec(block.replace(ADDRESS, address), names)
    assert len(names["closes"]) == 721
    assert names["est"].value is not None


@pytest.mark.processes
def test_make_targets_in_the_readme_exist() -> None:
    lines = [block.strip() for _, block in BLOCKS if block.startswith("make ")]
    assert lines == ["make run", "make test", "make up WEB=2"]
    for line in lines:
        done = subprocess.run(
            [*shlex.split(line), "--dry-run"], cwd=ROOT, capture_output=True, text=True, timeout=30
        )
        assert done.returncode == 0, done.stderr
        assert ".venv/bin/" in done.stdout


def test_readme_sections_are_in_order() -> None:
    headings = re.findall(r"^## (.*)$", README, re.MULTILINE)
    assert headings[:4] == [
        "See it live",
        "Test it",
        "Into a notebook",
        "PostgreSQL and two web processes",
    ]
