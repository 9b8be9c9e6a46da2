"""The schema of DATABASE_SCHEMA."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from pytrade.databases import connection_settings

URL = "postgres://u:p@h:5432/market"


def test_tables_are_looked_for_in_the_schema() -> None:
    assert "search_path" not in connection_settings(URL)["OPTIONS"]["options"]
    options = connection_settings(URL, schema="market")["OPTIONS"]["options"]
    assert options.endswith("-c search_path=market")


@pytest.mark.parametrize("schema", ["Market", "a b", "pg_x", "1a", "x" * 64, 'a"; DROP'])
def test_schemas_that_cannot_be_named_are_refused(schema: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="is not a name: use up to 63 of a-z"):
        connection_settings(URL, schema=schema)


def test_schema_needs_postgresql() -> None:
    with pytest.raises(ImproperlyConfigured, match="DATABASE_SCHEMA market needs PostgreSQL"):
        connection_settings("sqlite:///x", schema="market")
