"""Queries are logged only where a test asks for it, whatever DEBUG is."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from instruments.models import Instrument


@pytest.mark.both_databases
@pytest.mark.django_db
def test_debug_logs_no_queries(settings):
    settings.DEBUG = True
    connection.queries_log.clear()
    assert not Instrument.objects.exists()
    assert not connection.queries_log
    with CaptureQueriesContext(
        connection,
    ) as captured:
        assert not Instrument.objects.exists()
    assert len(captured) == 1
