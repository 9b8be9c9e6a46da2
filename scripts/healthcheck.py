"""Check that the web process of this container is ready: exit code 0 or 1.

    python scripts/healthcheck.py [PORT]

Sends the first of ALLOWED_HOSTS as the Host header, because Django rejects other hosts.
"""

import os
import sys
from http.client import HTTPConnection, HTTPException

TIMEOUT_S = 4


def main() -> int:
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8000
    host = os.environ.get("ALLOWED_HOSTS", "").partition(",")[0].lstrip(".*") or "localhost"
    connection = HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
    try:
        connection.request("GET", "/readyz", headers={"Host": host})
        answer = connection.getresponse()
        text = answer.read().decode()
    except (OSError, HTTPException) as error:
        print(f"port {port}: {error}", file=sys.stderr)
        return 1
    print(text)
    return 0 if answer.status == 200 else 1


if __name__ == "__main__":
    sys.exit(main())
