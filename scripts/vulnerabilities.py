"""Look up the installed packages among the known vulnerabilities; fail where one is found.

    python scripts/vulnerabilities.py

Where the advisory service is not reached, one line says so, and that is no failure.
"""

import json
import subprocess
import sys
from typing import Any

COMMAND = ["-m", "pip_audit", "--local", "--progress-spinner", "off", "--format", "json"]
ANSWER_S = 5
AWAY = ("ConnectionError", "ConnectTimeout", "ReadTimeout", "ServiceError")
OF_PYTHON = ("pip", "setuptools")  # the virtual environment brings them, not we


def verdict(report: str, errors: str) -> tuple[str, int]:
    """Return what to say of pip-audit's report and errors, and the exit code."""
    try:
        listed: list[dict[str, Any]] = json.loads(report)["dependencies"]
    except ValueError:
        if any(name in errors for name in AWAY):
            return "known vulnerabilities: not looked up, the advisory service is away", 0
        return errors, 1
    looked_up = [package for package in listed if "vulns" in package]
    if not looked_up:
        return "known vulnerabilities: not looked up, the advisory service knows nothing", 0
    found = [
        f"{package['name']} {package['version']}: {hole['id']}, mended in "
        f"{', '.join(hole['fix_versions']) or 'no version'}"
        for package in looked_up
        for hole in package["vulns"]
        if package["name"] not in OF_PYTHON
    ]
    if found:
        return "\n".join(found), 1
    return f"known vulnerabilities: none in {len(looked_up)} of {len(listed)} packages", 0


def main() -> int:
    command = [sys.executable, *COMMAND, "--timeout", str(ANSWER_S)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    text, code = verdict(done.stdout, done.stderr)
    print(text)
    return code


if __name__ == "__main__":
    sys.exit(main())
