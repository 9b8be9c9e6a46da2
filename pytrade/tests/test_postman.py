"""The Postman collection: every operation once, with requests that the API understands."""

import io
import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import resolve
from drf_spectacular.generators import SchemaGenerator

from pytrade.postman import example, operations
from rig.histories import make_instrument, make_ticks, record

BASE = "http://localhost:9000"


@pytest.fixture(scope="module")
def made() -> Any:
    written = io.StringIO()
    call_command("postman", "--base", BASE, stdout=written)
    return json.loads(written.getvalue())


def requests_of(made: Any) -> list[tuple[str, Any]]:
    return [(each["name"], each["request"]) for folder in made["item"] for each in folder["item"]]


def address(request: Any) -> str:
    """Return the path of a request with its variables filled in."""
    path = request["url"]["raw"].removeprefix("{{base}}")
    for variable in request["url"]["variable"]:
        path = path.replace(f":{variable['key']}", variable["value"])
    return str(path)


def test_every_operation_is_a_request(made: Any) -> None:
    schema = SchemaGenerator().get_schema(public=True)
    known = sorted(operation["operationId"] for _, _, operation in operations(schema))
    assert sorted(name for name, _ in requests_of(made)) == known
    assert made["variable"][0] == {"key": "base", "value": BASE}
    assert made["info"]["schema"].endswith("/v2.1.0/collection.json")


def test_every_request_leads_to_a_view_of_the_api(made: Any) -> None:
    for name, request in requests_of(made):
        assert resolve(address(request)).func.__name__ != "unknown_address", name
        needed = {each["key"] for each in request["url"]["query"] if not each["disabled"]}
        assert needed == ({"symbol"} if name == "time_and_sales" else set())


@pytest.mark.django_db
def test_requests_work_as_they_are(client: Client, made: Any) -> None:
    record(make_ticks(make_instrument(), 300), regimes=3, trades=1)
    found = dict(requests_of(made))
    for name in ("instruments_list", "quotes_list", "candles_list", "venues_list"):
        assert client.get(address(found[name])).status_code == 200, name
    body = json.loads(found["venue_subscribe"]["body"]["raw"])
    assert body == {"ticker": "btc_usd", "interval_s": 60}


def test_examples_follow_their_schemas() -> None:
    assert example("x", {"enum": ["a", "b"]}) == "a"
    assert example("x", {"oneOf": [{"type": "integer", "minimum": 3}, {"type": "string"}]}) == 3
    nested = {"type": "object", "required": ["y"], "properties": {"y": {"type": "boolean"}}}
    assert example("x", nested) == {"y": False}


def test_file_that_cannot_be_written_is_named() -> None:
    with pytest.raises(CommandError, match=r"/nowhere/x\.json: No such file"):
        call_command("postman", "/nowhere/x.json")
