"""Each test has a gateway of its own."""

from collections.abc import Iterator

import pytest

from rig.gateways import own_gateway


@pytest.fixture(autouse=True)
def gateway() -> Iterator[None]:
    with own_gateway():
        yield
