"""ccxt's test of orders that trade, with corrections without which it cannot run in Python.

It was translated from TypeScript: it joins numbers to texts, reads attributes as items, rounds in a
way that ccxt does not have in Python and uses names that it never imports. What it checks is the
same.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

Corrections = Mapping[str, str]
METHOD: Final = "getattr(exchange, exchange.un_camel_case({}))("
ORDERS: Final[Corrections] = {
    "import os\nimport sys\n": "import math\nimport os\nimport sys\nimport time\n",
    "balance[market['base']]['free']": "balance.get(market['base'], {}).get('free')",
    "'/' + initial_quote_balance + ' '": "'/' + str(initial_quote_balance) + ' '",
    "' ' + amount + ' ' + price + ' '": "' ' + str(amount) + ' ' + str(price) + ' '",
    "exchange['id']": "exchange.id",
    "decimal_to_precision(final_amount, 2,": "decimal_to_precision(final_amount, ROUND,",
    "raise Error(": "raise AssertionError(",
}
SHARED: Final[Corrections] = {
    "exchange[singular_fetch_name](": METHOD.format("singular_fetch_name"),
    "exchange[plural_fetch_name](": METHOD.format("plural_fetch_name"),
}
FILES: Final[Mapping[str, Corrections]] = {
    "sync/test_create_order.py": ORDERS,
    "base/test_shared_methods.py": SHARED,
}


def correct(folder: Path) -> None:
    """Correct the tests in a copy of ccxt/test/exchange; raise ValueError if they have changed."""
    for name, corrections in FILES.items():
        path = folder / name
        source = path.read_text()
        for wrong, right in corrections.items():
            if wrong not in source:
                raise ValueError(f"{name} of ccxt has no {wrong!r}: it may run without corrections")
            source = source.replace(wrong, right)
        path.write_text(source)
