"""The Docker, compose, supervisord and nginx files are consistent with each other and the code.

The tests parse these files, because no container engine is available to run them.
"""

import argparse
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import uvicorn
import yaml
from celery.app.utils import find_app
from daphne.cli import CommandLineInterface
from django.core.management import get_commands, load_command_class
from supervisor.options import EventListenerPoolConfig, ServerOptions

from pytrade import queues
from pytrade.celery import app as celery_app
from pytrade.tests.documented import settings_names
from quotes.management.base import UsageError

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
ROLES = {"migrate", "web", "simulation", "worker", "gateway", "beat"}
SERVERS = {"postgres", "redis", "nginx"}
FLOWER = "flower"
ADMINER = "adminer"


def commands_of(words: list[str]) -> Iterator[list[str]]:
    """Yield the commands of a service; a shell command is split at `&&`."""
    if words[:2] == ["sh", "-c"]:
        yield from (shlex.split(part) for part in words[2].split("&&"))
    else:
        yield words


def check_command(words: list[str]) -> None:
    """Fail unless `words` is a valid command of the project with valid options."""
    program, *arguments = words
    if program == "python" and arguments[0] == "manage.py":
        name = arguments[1]
        command: Any = get_commands()[name]
        if isinstance(command, str):
            command = load_command_class(command, name)
        command.create_parser("manage.py", name).parse_args(arguments[2:])
    elif program == "celery":
        assert arguments[0] == "--app"
        assert find_app(arguments[1]).main == "pytrade"
        group = import_module("celery.bin.celery").celery
        subcommand = group.get_command(None, arguments[2])
        subcommand.make_context(arguments[2], arguments[3:], obj=None, resilient_parsing=True)
    else:
        module, _, name = application_of(program, arguments).partition(":")
        assert hasattr(import_module(module), name)


def application_of(program: str, arguments: list[str]) -> str:
    """Return the application in the command line of a web server."""
    if program == "uvicorn":
        return str(uvicorn.main.make_context(program, list(arguments)).params["app"])
    assert program == "daphne"
    return str(CommandLineInterface().parser.parse_args(arguments).application)


@pytest.fixture(autouse=True)
def errors_of_parsers(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: Any, message: str) -> None:
        raise AssertionError(message)

    monkeypatch.setattr(argparse.ArgumentParser, "error", fail)


def test_compose_defines_every_role() -> None:
    assert set(SERVICES) == ROLES | SERVERS | {FLOWER, ADMINER}


@pytest.mark.parametrize("role", sorted(ROLES | {FLOWER}))
def test_commands_of_roles_are_valid(role: str) -> None:
    for words in commands_of(SERVICES[role]["command"]):
        check_command(words)


def supervised(monkeypatch: pytest.MonkeyPatch, web: int) -> dict[str, str]:
    """Return the commands of supervisord.conf by name, parsed by supervisord itself."""
    variables = {"BIN": "bin", "DATA": "/tmp", "HOST": "127.0.0.1", "PORT": "9000", "WEB": str(web)}
    variables["RUNSIM_OPTIONS"] = "--interval 0.05"
    for name, value in variables.items():
        monkeypatch.setenv(f"UP_{name}", value)
    options = ServerOptions()
    options.configfile = str(ROOT / "supervisord.conf")
    monkeypatch.setattr(options, "exit", lambda code: pytest.fail(f"exit code {code}"))
    options.process_config(do_usage=False)
    return {
        process.name: process.command
        for group in options.process_group_configs
        if not isinstance(group, EventListenerPoolConfig)
        for process in group.process_configs
    }


def test_supervisord_runs_every_role_with_valid_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    commands = supervised(monkeypatch, web=2)
    webs = {f"web-{port}": port for port in (9000, 9001)}
    assert set(commands) == ROLES - {"migrate", "web"} | set(webs)
    for command in commands.values():
        words = shlex.split(command.replace("bin/python -m ", "").removeprefix("bin/"))
        check_command(words)
    for name, port in webs.items():
        assert {"127.0.0.1", str(port)} <= set(shlex.split(commands[name]))


def test_invalid_commands_are_detected() -> None:
    for line in ("python manage.py runsimulation", "python manage.py runsim --fast", "nginx"):
        with pytest.raises((KeyError, AssertionError, UsageError)):
            check_command(line.split())


def test_environment_of_roles_has_known_settings_and_no_secrets() -> None:
    known = settings_names()
    for role in ROLES:
        environment = SERVICES[role]["environment"]
        assert set(environment) <= known
        for secret in (environment["SECRET_KEY"], environment["DATABASE_URL"]):
            assert re.search(r"\$\{\w+:\?", secret)
    text = (ROOT / "docker-compose.yml").read_text()
    assert re.findall(r"(?i)(?:password|secret_key): (?!\$\{)", text) == []
    assert re.findall(r"://[^:/\s]+:[^$@/\s]+@", text) == []


def test_memory_of_every_service_is_limited() -> None:
    assert [name for name, service in SERVICES.items() if "mem_limit" not in service] == []


def test_limits_of_the_small_server_add_up_to_less_than_it_has() -> None:
    small = yaml.safe_load((ROOT / "deploy" / "small.yml").read_text())["services"]
    assert set(small) == set(SERVICES)
    permanent = [small[name] for name in small if name not in ("migrate", "simulation", "adminer")]
    assert sum(int(each["mem_limit"].removesuffix("m")) for each in permanent) <= 1024
    assert small["web"]["deploy"]["replicas"] == 1


def test_processes_without_tasks_know_the_queues_and_the_schedule_of_those_that_run_them() -> None:
    for name in ("broker_url", "beat_schedule", "task_routes", "task_ignore_result"):
        assert getattr(queues.app.conf, name) == getattr(celery_app.conf, name)
    assert queues.app.loader.import_default_modules() == []


def test_adminer_is_only_started_on_demand() -> None:
    assert SERVICES[ADMINER]["profiles"] == [ADMINER]


def test_flower_asks_for_a_password_that_has_no_default() -> None:
    environment = SERVICES[FLOWER]["environment"]
    assert re.fullmatch(r"operator:\$\{FLOWER_PASSWORD:\?[^}]+\}", environment["FLOWER_BASIC_AUTH"])


def test_services_depend_only_on_services_with_a_healthcheck() -> None:
    waited_for = set()
    for service in SERVICES.values():
        for name, wait in service.get("depends_on", {}).items():
            waited_for.add(name)
            if wait["condition"] == "service_healthy":
                probe = SERVICES[name].get("healthcheck", {})
                assert probe.get("test") or (name in ROLES and not probe.get("disable"))
            else:
                assert wait["condition"] == "service_completed_successfully"
                assert SERVICES[name]["restart"] == "on-failure"
    assert waited_for == {"postgres", "redis", "migrate", "web"}


def test_volumes_are_named_and_files_exist() -> None:
    named = set()
    for service in SERVICES.values():
        for volume in service.get("volumes", []):
            source = re.sub(r"\$\{\w+:-(.*?)\}", r"\1", volume).split(":")[0]
            if source.startswith("./"):
                assert (ROOT / source).exists(), source
            else:
                named.add(source)
    assert named == set(COMPOSE["volumes"])


def test_only_nginx_is_reachable_from_outside() -> None:
    reachable = {
        name
        for name, service in SERVICES.items()
        if any(not port.startswith("127.0.0.1:") for port in service.get("ports", []))
    }
    assert reachable == {"nginx"}


def instructions() -> list[tuple[str, str]]:
    """Return the instructions of the Dockerfile with their arguments."""
    text = re.sub(r"\\\n\s*", "", (ROOT / "Dockerfile").read_text())
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    parts = (line.split(" ", 1) for line in lines)
    return [(instruction, arguments) for instruction, arguments in parts]


def test_image_is_slim_and_its_processes_are_not_root() -> None:
    last_stage: list[tuple[str, str]] = []
    for name, argument in instructions():
        last_stage = [(name, argument)] if name == "FROM" else [*last_stage, (name, argument)]
    for name, argument in instructions():
        assert name != "ADD"
        if name == "FROM":
            assert re.fullmatch(r"python:3\.\d+-slim( AS \w+)?", argument)
        if name in ("ENV", "ARG"):
            assert not re.search("SECRET|PASSWORD|TOKEN", argument)
    stage = dict(last_stage)
    assert stage["USER"] not in ("root", "0")
    names = [name for name, _ in last_stage]
    assert names.index("USER") < names.index("CMD")
    check_command(yaml.safe_load(stage["CMD"]))
    probe = yaml.safe_load(stage["HEALTHCHECK"].partition("CMD ")[2])
    assert probe == ["python", "scripts/healthcheck.py"]


@pytest.mark.processes
def test_containers_start_with_a_copy_of_the_compiled_kernels(tmp_path: Path) -> None:
    (tmp_path / "kernels" / "exchange").mkdir(parents=True)
    (tmp_path / "kernels" / "exchange" / "execute.nbc").write_text("compiled")
    entrypoint = yaml.safe_load(dict(instructions())["ENTRYPOINT"])
    for _ in range(2):  # the second time as after a restart
        done = subprocess.run(
            [*entrypoint, "cat", "cache/exchange/execute.nbc"],
            cwd=tmp_path,
            env=os.environ | {"NUMBA_CACHE_DIR": "cache"},
            capture_output=True,
            text=True,
        )
        assert (done.stdout, done.stderr, done.returncode) == ("compiled", "", 0)


class Probed(BaseHTTPRequestHandler):
    """Answers /readyz with 200 for the site's host only."""

    def do_GET(self) -> None:
        ready = (self.path, self.headers["Host"]) == ("/readyz", "example.org")
        self.send_response(200 if ready else 503)
        self.end_headers()

    def log_message(self, *_: Any) -> None: ...


@pytest.mark.processes
@pytest.mark.parametrize(
    ("hosts", "code"), [("example.org,x", 0), (".example.org", 0), ("*", 1), ("", 1)]
)
def test_healthcheck_sends_an_allowed_host(hosts: str, code: int) -> None:
    with HTTPServer(("127.0.0.1", 0), Probed) as server:
        Thread(target=server.handle_request).start()
        assert probe_exit_code(server.server_port, hosts) == code
        port = server.server_port
    assert probe_exit_code(port, "example.org") == 1  # no server listens any more


def probe_exit_code(port: int, hosts: str) -> int:
    command = [sys.executable, "scripts/healthcheck.py", str(port)]
    environment = os.environ | {"ALLOWED_HOSTS": hosts}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, timeout=30)
    return done.returncode


def test_image_copies_existing_files_and_excludes_secrets() -> None:
    left_out = (ROOT / ".dockerignore").read_text().split()
    for name, argument in instructions():
        if name == "COPY" and not argument.startswith("--from"):
            *sources, _ = argument.split()
            assert all((ROOT / source).exists() and source not in left_out for source in sources)
    assert {".env", ".secret_key", ".git", ".venv", "node_modules"} <= set(left_out)


NGINX = {path.name: path.read_text() for path in (ROOT / "deploy").glob("*.conf")}


def location(path: str) -> str:
    """Return the directives of the nginx location `path`."""
    found = re.search(
        rf"location (?:= )?{re.escape(path)} \{{(.*?)\n\}}", NGINX["locations.conf"], re.S
    )
    assert found, path
    return found[1]


def test_nginx_forwards_upgrades_and_does_not_buffer_streams() -> None:
    outside = re.sub(r"location .*?\n\}", "", NGINX["locations.conf"], flags=re.S)
    assert "proxy_set_header Upgrade $http_upgrade;" in outside
    assert "proxy_set_header Connection $connection_header;" in outside
    assert "proxy_http_version 1.1;" in outside
    assert re.search(
        r"map \$http_upgrade \$connection_header \{\s*default upgrade;", NGINX["zones.conf"]
    )
    assert "proxy_read_timeout 1h;" in location("/ws/")
    assert "proxy_buffering off;" in location("/api/v1/stream/")
    assert "proxy_set_header" not in "".join(
        location(path) for path in ("/", "/ws/", "/api/v1/stream/", "/admin/login/")
    )  # a location with its own would inherit none of the outer ones


def test_nginx_overwrites_forwarding_headers_and_limits_requests() -> None:
    text = NGINX["locations.conf"]
    assert "proxy_set_header X-Forwarded-For $remote_addr;" in text
    assert "proxy_set_header X-Forwarded-Proto $scheme;" in text
    assert re.search(r"client_max_body_size \d+m;", text)
    assert "return 404;" in location("/metrics")
    for path in (
        "/admin/login/",
        "= /login/",
        "= /api/v1/auth/token/",
        "= /api/v1/venues/deribit/connections/",
        "= /api/v2/sse/connection",
    ):
        assert "limit_req zone=login" in location(path)
    assert "limit_conn streams" in location("/api/v1/stream/")
    assert "alias /srv/static/;" in location("/static/")
    assert "static:/srv/static:ro" in SERVICES["nginx"]["volumes"]


@pytest.mark.parametrize("name", ["nginx.conf", "nginx-tls.conf"])
def test_every_nginx_server_includes_the_same_locations(name: str) -> None:
    assert "include /etc/nginx/pytrade/locations.conf;" in NGINX[name]
    assert NGINX[name].count("{") == NGINX[name].count("}")
    included = set(re.findall(r"/etc/nginx/pytrade/(\w+\.conf)", NGINX[name]))
    mounted = " ".join(SERVICES["nginx"]["volumes"])
    assert all(f"./deploy/{file}:/etc/nginx/pytrade/{file}:ro" in mounted for file in included)


@pytest.mark.parametrize("role", sorted(ROLES))
def test_roles_run_with_minimal_privileges(role: str) -> None:
    service = SERVICES[role]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["read_only"] is True
    assert "privileged" not in service
