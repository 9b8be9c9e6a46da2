"""Every registered kind has an endpoint of its own without further code."""

from typing import Any

import pyarrow as pa
import pytest
from django.test import Client, override_settings
from django.urls import path
from drf_spectacular.generators import SchemaGenerator

from market.kinds import AT, SEQ, Column, Kind
from market.ticks import TICK
from quotes.http.tables import kind_view
from rig.histories import make_instrument, make_ticks, record

PRINTS = Kind(
    name="prints",
    dtype=TICK,
    table="quotes_quote",
    clock="monotone",
    columns=(SEQ, AT, Column("ticks", "ticks")),
)
urlpatterns = [path("instruments/<str:symbol>/prints/", kind_view(PRINTS).as_view())]
ADDRESS = "/instruments/ES/prints/"


@pytest.fixture(autouse=True)
def addresses() -> Any:
    with override_settings(ROOT_URLCONF=__name__):
        yield


@pytest.mark.django_db
def test_every_kind_is_served_in_all_formats(client: Client) -> None:
    ticks = record(make_ticks(make_instrument(), 30))
    page = client.get(ADDRESS, {"since_seq": 10, "limit": 5}).json()
    assert page["columns"] == ["seq", "at", "ticks"]
    assert [row[0] for row in page["rows"]] == [11, 12, 13, 14, 15]
    following = client.get(ADDRESS, {"cursor": page["next_cursor"], "format": "csv"})
    assert following.getvalue().splitlines()[1].startswith(b"16,")
    table = pa.ipc.open_stream(client.get(ADDRESS, {"format": "arrow"}).getvalue()).read_all()
    assert table["ticks"].to_pylist() == ticks["ticks"].tolist()


@pytest.mark.django_db
@pytest.mark.parametrize(("query", "status"), [("limit=0", 400), ("cursor=x", 400), ("of=x", 400)])
def test_parameters_of_every_kind_are_validated(client: Client, query: str, status: int) -> None:
    make_instrument()
    assert client.get(f"{ADDRESS}?{query}").status_code == status


def test_every_kind_is_in_the_schema() -> None:
    schema = SchemaGenerator(patterns=urlpatterns).get_schema(public=True)
    operation = schema["paths"]["/instruments/{symbol}/prints/"]["get"]
    assert operation["operationId"] == "prints_list"
    names = {parameter["name"] for parameter in operation["parameters"]}
    assert names == {"symbol", "start", "end", "since_seq", "limit", "cursor", "format"}
