"""One market in processes of its own for all tests of this folder."""

from collections.abc import Iterator

import pytest

from rig.venues import market


@pytest.fixture(scope="package")
def env() -> Iterator[dict[str, str]]:
    """The environment of a market that trades ten times a second."""
    with market(interval_s=0.1) as env:
        yield env
