"""Compile the kernels, so that no page or test waits for the compiler.

    python -m scripts.kernels

Does nothing if they are compiled. Numba stores them in `__pycache__` beside their sources, or in
NUMBA_CACHE_DIR.
"""

import hashlib
import importlib
import os
import platform
import sys
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CACHE = Path(os.environ.get("NUMBA_CACHE_DIR") or ROOT / "exchange" / "__pycache__")
STAMP = CACHE / "kernels.stamp"
PACKAGES = ("exchange", "indicators", "orderflow")


def fingerprint() -> str:
    """Return a digest of what the compiled kernels depend on."""
    digest = hashlib.sha256()
    for part in (version("numba"), version("numpy"), platform.python_version(), platform.node()):
        digest.update(part.encode())
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            if "tests" not in path.parts:
                digest.update(path.read_bytes())
    return digest.hexdigest()


def main() -> int:
    wanted = fingerprint()
    if STAMP.exists() and STAMP.read_text() == wanted:
        return 0
    print("Compiling the kernels ...", file=sys.stderr)
    importlib.import_module("scripts.kerneluses").use_all()  # imports Numba, which takes a second
    STAMP.parent.mkdir(parents=True, exist_ok=True)
    STAMP.write_text(wanted)
    return 0


if __name__ == "__main__":
    sys.exit(main())
