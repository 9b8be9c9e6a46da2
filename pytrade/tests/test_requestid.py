import json
import logging

import pytest
import structlog
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory

from pytrade.requestid import RequestIdMiddleware


def test_response_has_a_request_id(client: Client) -> None:
    first, second = (client.get("/livez").headers["X-Request-ID"] for _ in range(2))
    assert len(first) == 16
    assert first != second


@pytest.mark.parametrize(
    ("given", "kept"),
    [("a-1.b_2", True), ("x" * 65, False), ("a b", False), ("<script>", False), ("", False)],
)
def test_well_formed_request_id_of_a_proxy_is_kept(client: Client, given: str, kept: bool) -> None:
    answer = client.get("/livez", headers={"X-Request-ID": given})
    assert (answer.headers["X-Request-ID"] == given) == kept


def test_log_lines_have_the_request_id(caplog: pytest.LogCaptureFixture) -> None:
    def view(request: HttpRequest) -> HttpResponse:
        structlog.get_logger("test").warning("asked")
        return HttpResponse()

    request = RequestFactory().get("/", headers={"X-Request-ID": "of-a-test"})
    with caplog.at_level(logging.WARNING):
        RequestIdMiddleware(view)(request)
    assert "of-a-test" in json.dumps(caplog.records[-1].msg)
