import pytest
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from rig.histories import make_instrument, make_ticks, record


def test_livez_needs_no_database(client: Client) -> None:
    assert client.get("/livez").status_code == 200


@pytest.mark.django_db
def test_readyz_is_ready_on_a_migrated_database(client: Client) -> None:
    assert client.get("/readyz").json() == client.get("/health").json() == {"status": "ready"}


@pytest.mark.django_db
def test_readyz_names_a_missing_migration(client: Client) -> None:
    newest = max(name for app, name in MigrationLoader(connection).graph.leaf_nodes("quotes"))
    MigrationRecorder(connection).record_unapplied("quotes", newest)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert f"quotes.{newest}" in answer.json()["errors"]["migrations"]


@pytest.mark.django_db
def test_readyz_names_an_unavailable_layer(client: Client, settings: Settings) -> None:
    settings.CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": ["redis://127.0.0.1:1"]},
        }
    }
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert list(answer.json()["errors"]) == ["layer"]


@pytest.mark.django_db
def test_metrics_read_the_newest_seq_in_one_query(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    record(make_ticks(make_instrument(), 12))
    with django_assert_num_queries(1):
        text = client.get("/metrics").content.decode()
    assert 'pytrade_last_seq{symbol="ES"} 12.0' in text
