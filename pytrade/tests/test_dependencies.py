"""A known vulnerability fails `make lint`; an advisory service that is away does not."""

import json
from typing import Any

from rig.processes import ROOT
from scripts.vulnerabilities import verdict

SOUND = {"name": "sound", "version": "1.0", "vulns": []}
HOLED = {"name": "holed", "version": "2.0", "vulns": [{"id": "CVE-1", "fix_versions": ["2.1"]}]}
UNKNOWN = {"name": "unknown", "skip_reason": "not found"}


def said(*packages: dict[str, Any]) -> tuple[str, int]:
    return verdict(json.dumps({"dependencies": packages}), "")


def test_a_vulnerability_is_named_and_fails() -> None:
    assert said(SOUND, HOLED) == ("holed 2.0: CVE-1, mended in 2.1", 1)


def test_what_a_virtual_environment_brings_is_not_ours() -> None:
    assert said(SOUND, HOLED | {"name": "pip"})[1] == 0


def test_none_is_none_of_those_that_were_looked_up() -> None:
    assert said(SOUND, UNKNOWN) == ("known vulnerabilities: none in 1 of 2 packages", 0)


def test_without_the_service_one_line_says_so() -> None:
    for text, code in (said(UNKNOWN), verdict("", "...\nrequests.exceptions.ConnectionError: x")):
        assert text.startswith("known vulnerabilities: not looked up")
        assert "\n" not in text
        assert code == 0


def test_another_failure_is_one() -> None:
    assert verdict("", "No module named pip_audit") == ("No module named pip_audit", 1)


def test_lint_looks() -> None:
    assert "scripts/vulnerabilities.py" in (ROOT / "Makefile").read_text()
