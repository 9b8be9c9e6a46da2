"""Waiting in a page awaits promises."""

import pytest
from playwright.sync_api import Browser

from rig.chromium import wait_in_page, watched_page


def test_promise_of_a_false_value_is_not_true(browser: Browser) -> None:
    with watched_page(browser) as page:
        wait_in_page(page, "async (number) => number === 3", 3)
        with pytest.raises(TimeoutError, match="the last value is False"):
            wait_in_page(page, "async () => false", limit_s=0.1)
