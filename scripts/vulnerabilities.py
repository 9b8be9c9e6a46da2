"""Check the installed packages for known vulnerabilities; exit code 1 if any is found.

    python scripts/vulnerabilities.py

If the advisory service is unreachable, it says so in one line and exits with 0.
"""

import json
import subprocess
import sys
from typing import Any

COMMAND = ["-m", "pip_audit", "--local", "--progress-spinner", "off", "--format", "json"]
ANSWER_S = 5
UNREACHABLE = ("ConnectionError", "ConnectTimeout", "ReadTimeout", "ServiceError")
OF_PYTHON = ("pip", "setuptools")  # part of the virtual environment, not our dependencies


def verdict(report: str, errors: str) -> tuple[str, int]:
    """Return the message and exit code for the output of pip-audit."""
    try:
        listed: list[dict[str, Any]] = json.loads(report)["dependencies"]
    except ValueError:
        if any(name in errors for name in UNREACHABLE):
            return "known vulnerabilities: not checked, the advisory service is unreachable", 0
        return errors, 1
    checked = [package for package in listed if "vulns" in package]
    if not checked:
        return "known vulnerabilities: not checked, the advisory service returned no data", 0
    found = [
        f"{package['name']} {package['version']}: {hole['id']}, fixed in "
        f"{', '.join(hole['fix_versions']) or 'no version'}"
        for package in checked
        for hole in package["vulns"]
        if package["name"] not in OF_PYTHON
    ]
    if found:
        return "\n".join(found), 1
    return f"known vulnerabilities: none in {len(checked)} of {len(listed)} packages", 0


def main() -> int:
    command = [sys.executable, *COMMAND, "--timeout", str(ANSWER_S)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    text, code = verdict(done.stdout, done.stderr)
    print(text)
    return code


if __name__ == "__main__":
    sys.exit(main())
