"""The API conforms to its OpenAPI schema, tested with schemathesis."""

import functools
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.contrib.auth import get_user_model
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, connection
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, Phase, given, settings
from rest_framework.authtoken.models import Token
from schemathesis.specs.openapi.schemas import OpenApiSchema

from exchange.accounts.opening import open_account
from pytrade.wsgi import application
from rig.gateways import own_gateway
from rig.histories import make_instrument, make_ticks, record

pytestmark = pytest.mark.django_db
PATHS = SchemaGenerator().get_schema(public=True)["paths"]
OPERATIONS = [(path, method) for path, methods in PATHS.items() for method in methods]
MALLEABLE = [
    (path, method)
    for path, method in OPERATIONS
    if "requestBody" in PATHS[path][method]
    or any(parameter["in"] == "query" for parameter in PATHS[path][method].get("parameters", ()))
]
"""Operations that can be called in violation of the schema; others have only path parameters."""
IS_SQLITE = connection.vendor == "sqlite"
CALLED = OPERATIONS if IS_SQLITE else OPERATIONS[::4]
"""On PostgreSQL, only some operations are called, and none in violation of the schema."""
EXAMPLES, LONG_EXAMPLES = 3, 1_000
KNOWN = {"symbol": "ES", "name": "hurst"}
"""Path parameters that exist, so that requests get past 404."""
NEGATIVE, POSITIVE = schemathesis.GenerationMode.NEGATIVE, schemathesis.GenerationMode.POSITIVE


@pytest.fixture(autouse=True)
def one_connection() -> Iterator[None]:
    """Keep the database connection of the test, which holds its transaction."""
    signals = request_started, request_finished
    for signal in signals:
        signal.disconnect(close_old_connections)
    with own_gateway():
        yield
    for signal in signals:
        signal.connect(close_old_connections)


@functools.cache
def schema() -> OpenApiSchema:
    return schemathesis.openapi.from_wsgi("/api/schema/?format=json", application)


@pytest.fixture
def staff_token() -> str:
    """A token that may do everything: its user is staff and owns an account."""
    user = get_user_model().objects.create_user("staff", is_staff=True)
    open_account(name="of staff", balance=10**12, owner=user)
    return f"Token {Token.objects.create(user=user)}"


@pytest.mark.parametrize(
    ("path", "method", "mode"),
    [(*operation, POSITIVE) for operation in CALLED]
    + [(*operation, NEGATIVE) for operation in MALLEABLE if IS_SQLITE],
)
def test_api_conforms_to_its_schema(
    path: str,
    method: str,
    mode: schemathesis.GenerationMode,
    staff_token: str,
    pytestconfig: pytest.Config,
) -> None:
    record(make_ticks(make_instrument(), 300), regimes=3, trades=1)
    operation = schema()[path][method.upper()]
    is_private = "trading" in PATHS[path][method]["tags"]
    headers = {"Authorization": staff_token} if is_private or method != "get" else None

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=LONG_EXAMPLES if pytestconfig.getoption("long") else EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def ask(case: schemathesis.Case[Any]) -> None:
        if mode == POSITIVE:
            known = {name: KNOWN[name] for name in case.path_parameters if name in KNOWN}
            case.path_parameters |= known
        case.call_and_validate(headers=headers)

    ask()
