"""A known vulnerability fails `make lint`; an unreachable advisory service does not."""

import json
from typing import Any

from rig.processes import ROOT
from scripts.vulnerabilities import verdict

SOUND = {"name": "sound", "version": "1.0", "vulns": []}
HOLED = {"name": "holed", "version": "2.0", "vulns": [{"id": "CVE-1", "fix_versions": ["2.1"]}]}
UNKNOWN = {"name": "unknown", "skip_reason": "not found"}


def verdict_on(*packages: dict[str, Any]) -> tuple[str, int]:
    return verdict(json.dumps({"dependencies": packages}), "")


def test_vulnerability_is_reported_with_its_fix() -> None:
    assert verdict_on(SOUND, HOLED) == ("holed 2.0: CVE-1, fixed in 2.1", 1)


def test_pip_of_the_virtual_environment_is_ignored() -> None:
    assert verdict_on(SOUND, HOLED | {"name": "pip"})[1] == 0


def test_clean_report_counts_the_checked_packages() -> None:
    assert verdict_on(SOUND, UNKNOWN) == ("known vulnerabilities: none in 1 of 2 packages", 0)


def test_unreachable_service_is_reported_in_one_line() -> None:
    for text, code in (
        verdict_on(UNKNOWN),
        verdict("", "...\nrequests.exceptions.ConnectionError: x"),
    ):
        assert text.startswith("known vulnerabilities: not checked")
        assert "\n" not in text
        assert code == 0


def test_failure_of_pip_audit_fails() -> None:
    assert verdict("", "No module named pip_audit") == ("No module named pip_audit", 1)


def test_make_lint_checks_vulnerabilities() -> None:
    assert "scripts/vulnerabilities.py" in (ROOT / "Makefile").read_text()
