"""Run JavaScript modules of static/js that need no page, in Node."""

import json
import subprocess
from typing import Any

from rig.chromium import ROOT, node

CALL = """
import { readFileSync } from "node:fs";
const input = JSON.parse(readFileSync(0, "utf8"));
process.stdout.write(JSON.stringify(await (async (input) => { %s })(input)));
"""


def run_module(body: str, given: Any = None) -> Any:
    """Return what a function body returns, as JSON.

    It can use `input`, the JSON form of `given`, and `await import(...)` with paths from static/js,
    e.g. `./seq-ledger.js`. Raise AssertionError with the output if it fails.
    """
    absolute = body.replace('import("./', f'import("{ROOT}/static/js/')
    done = subprocess.run(
        [node(), "--input-type=module", "--no-warnings", "--eval", CALL % absolute],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
