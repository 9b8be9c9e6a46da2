"""Settings, commands, endpoints, protocol and metrics are all documented."""

import inspect
import json
import re
from pathlib import Path

import pytest
import yaml
from django.test import Client
from drf_spectacular.generators import SchemaGenerator

from benchmarks import pagetables
from live import consumers, protocol, topics
from pytrade import routing
from pytrade.tests import documented
from pytrade.tests.checkouts import fresh_checkout, manage
from pytrade.tests.documented import ROOT

DOCS = {path.name: path.read_text() for path in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]}
TEXT = "\n".join(DOCS.values())


def is_named(name: str, text: str = TEXT) -> bool:
    """Tell whether `text` contains `name` as a whole word."""
    return re.search(rf"(?<![\w/-]){re.escape(name)}(?![\w-])", text) is not None


@pytest.mark.parametrize("name", sorted(documented.settings_names()))
def test_every_setting_is_documented(name: str) -> None:
    assert is_named(name, DOCS["operations.md"])
    assert re.search(rf"^(# )?{name}=", (ROOT / ".env.example").read_text(), re.MULTILINE)


def test_env_example_lists_exactly_the_settings() -> None:
    text = (ROOT / ".env.example").read_text()
    named = set(re.findall(r"^(?:# )?([A-Z_]+)=", text, re.MULTILINE))
    assert named == documented.settings_names()


@pytest.mark.parametrize("command", documented.commands())
def test_every_command_and_option_is_documented(command: str) -> None:
    _, _, section = DOCS["commands.md"].partition(f"\n## {command}\n")
    section = section.partition("\n## ")[0]
    assert section, f"docs/commands.md has no section {command}"
    for option in documented.options(command):
        assert is_named(option, section), option


def test_documented_options_exist() -> None:
    sections = re.split(r"^## ", DOCS["commands.md"], flags=re.MULTILINE)[1:]
    for section in sections:
        command = section.partition("\n")[0]
        if command in documented.commands():
            table = re.findall(r"^\|(.*?)\|", section, re.MULTILINE)
            named = set(re.findall(r"--[a-z-]+", "".join(table))) - {"--"}
            assert {name for name in named if name.strip("-")} <= set(documented.options(command))


@pytest.mark.parametrize("target", sorted(documented.targets()))
def test_every_target_is_documented(target: str) -> None:
    assert is_named(f"make {target}")


@pytest.mark.parametrize("address", sorted(documented.addresses()))
def test_every_address_is_documented(address: str) -> None:
    assert is_named(address, DOCS["api.md"])


def test_every_operation_of_the_schema_is_documented() -> None:
    paths = SchemaGenerator().get_schema(public=True)["paths"]
    assert len(paths) > 9
    for path, methods in paths.items():
        assert is_named(path, DOCS["api.md"]), path
        for parameter in (found for one in methods.values() for found in one.get("parameters", ())):
            assert is_named(parameter["name"]), (path, parameter["name"])
        for method in set(methods) - {"get"}:
            assert is_named(f"{method.upper()} {path}", DOCS["api.md"]), (method, path)


def test_stream_protocol_is_documented() -> None:
    sockets = re.findall(r'path\("(ws/.*?)"', inspect.getsource(routing))
    assert sockets
    for socket in sockets:
        assert is_named(f"/{socket.replace('<str:', '{').replace('>', '}')}", DOCS["api.md"])
    for operation in protocol.OPERATIONS:
        assert f'"op":"{operation}"' in TEXT
    for kind in topics.names():
        assert re.search(rf"`{kind}\.(\w+\.)?ES[`.]", DOCS["api.md"]), kind
    for name in topics.private_names():
        assert re.search(rf"^\| (.*)`{name}`", DOCS["api.md"], re.MULTILINE), name
        assert f"| `{name}` |" in DOCS["live.md"], name
    for code in re.findall(r'ProtocolError\(\s*"(\w+)"', inspect.getsource(protocol)):
        assert is_named(code, DOCS["api.md"]), code
    closes = {consumers.POLICY_VIOLATION, consumers.IDLE, consumers.TOO_SLOW}
    for code in closes:
        assert is_named(str(code), DOCS["live.md"]), code


@pytest.mark.django_db
def test_every_metric_is_documented(client: Client) -> None:
    text = client.get("/metrics").content.decode()
    metrics = set(re.findall(r"^# TYPE (pytrade_\w+?)(?:_total|_created)? ", text, re.MULTILINE))
    assert len(metrics) > 5
    for name in metrics:
        assert is_named(name, DOCS["operations.md"]), name


@pytest.mark.parametrize("name", sorted(DOCS))
def test_links_resolve(name: str) -> None:
    folder = ROOT if name == "README.md" else ROOT / "docs"
    for target in re.findall(r"\]\((?!http)([^)]*)\)", DOCS[name]):
        path, _, anchor = target.partition("#")
        file = folder / path if path else folder / name
        assert file.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.*)$", file.read_text(), re.MULTILINE)
            slugs = {re.sub(r"[^\w -]", "", text).lower().replace(" ", "-") for text in headings}
            assert anchor in slugs, target


def test_readme_links_every_document() -> None:
    index = DOCS["README.md"].rpartition("\n## ")[2]
    for name in DOCS.keys() - {"README.md"}:
        assert f"](docs/{name})" in index, name


def test_tests_named_in_security_md_exist(pytestconfig: pytest.Config) -> None:
    tests = {
        path.name: path.read_text()
        for folder in pytestconfig.getini("testpaths")
        for path in (ROOT / folder).glob("**/tests/test_*.py")
    }
    named = re.findall(r"`(test_[\w.]+)(?:::(\w+))?`", DOCS["security.md"])
    assert len(named) > 20
    for file, function in named:
        assert file in tests, file
        assert f"def {function}" in tests[file], function


@pytest.mark.django_db
def test_alerts_are_documented_and_use_existing_metrics(client: Client) -> None:
    text = (ROOT / "deploy" / "alerts.yml").read_text()
    metrics = client.get("/metrics").content.decode()
    (group,) = yaml.safe_load(text)["groups"]
    for rule in group["rules"]:
        assert is_named(rule["alert"], DOCS["operations.md"])
    for name in set(re.findall(r"pytrade_\w+", text)):
        assert f"# TYPE {name.removesuffix('_bucket')} " in metrics, name


PRINT = """
from django.conf import settings
import json
print(json.dumps({name: repr(getattr(settings, name)) for name in dir(settings) if name.isupper()}))
"""


def settings_with(checkout: Path, env: dict[str, str]) -> dict[str, str]:
    """Return the settings of a process of `checkout` with only this environment."""
    done = manage(checkout, "shell", "-v0", "-c", PRINT, env=env)
    assert done.returncode == 0, done.stderr
    found: dict[str, str] = json.loads(re.sub(r" at 0x\w+", "", done.stdout))
    return found


@pytest.mark.processes
def test_env_example_values_equal_the_defaults(tmp_path: Path) -> None:
    checkout = fresh_checkout(tmp_path / "checkout")
    text = (ROOT / ".env.example").read_text()
    lines = re.findall(r"^([A-Z_]+)=(.*)$", text, re.MULTILINE)
    needed = {"SECRET_KEY": "of-a-test"}
    assert settings_with(checkout, needed) == settings_with(checkout, needed | dict(lines))


def test_tables_of_results_are_those_of_the_committed_results() -> None:
    assert {page.name for page in pagetables.pages()} == {"gateway.md"}
    for page in pagetables.pages():
        assert page.read_text() == pagetables.with_results(page.read_text())
