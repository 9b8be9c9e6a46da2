"""Compile the kernels of the exchange, so that no page and no test waits for the compiler.

    python -m scripts.kernels

Does nothing if they are compiled. Each function below runs kernels once as the product does; Numba
caches what it compiles in exchange/__pycache__, or in NUMBA_CACHE_DIR.
"""

import hashlib
import os
import platform
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CACHE = Path(os.environ.get("NUMBA_CACHE_DIR") or ROOT / "exchange" / "__pycache__")
STAMP = CACHE / "kernels.stamp"


def fingerprint() -> str:
    """Return a digest of what the compiled kernels depend on."""
    digest = hashlib.sha256()
    for part in (version("numba"), version("numpy"), platform.python_version(), platform.node()):
        digest.update(part.encode())
    for path in sorted((ROOT / "exchange").rglob("*.py")):
        if "tests" not in path.parts:
            digest.update(path.read_bytes())
    return digest.hexdigest()


def matching() -> None:
    import numpy as np

    from exchange.matching import MESSAGE, MatchingEngine
    from exchange.orderbook import with_more_room

    engine = MatchingEngine()
    engine.process(np.zeros(1, MESSAGE))
    with_more_room(engine.book, 1 + engine.book.orders.shape[0])


def recording() -> None:
    import numpy as np

    from exchange.blocks import UPDATE, decode_all
    from exchange.recording import BlockWriter

    writer = BlockWriter(instrument_id=1)
    writer.add(np.array([(1, 1, 1, 1)], UPDATE))
    decode_all(list(writer.take(at=1, slot=1, event=1)["data"]), [1])


PARTS: tuple[Callable[[], None], ...] = (matching, recording)


def main() -> int:
    wanted = fingerprint()
    if STAMP.exists() and STAMP.read_text() == wanted:
        return 0
    print("Compiling the kernels of the exchange ...", file=sys.stderr)
    for compile_part in PARTS:
        compile_part()
    STAMP.parent.mkdir(parents=True, exist_ok=True)
    STAMP.write_text(wanted)
    return 0


if __name__ == "__main__":
    sys.exit(main())
