import pytest
from django.contrib.admin.sites import site
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext

from instruments.models import Instrument
from journal.models import Lease, Stream
from quotes.models import Candle, Quote, Regime, Run
from rig.histories import make_instrument, make_ticks, record

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]
RECORDED = [Quote, Candle, Regime, Run, Lease, Stream]


@pytest.mark.parametrize("model", [Instrument, *RECORDED], ids=lambda model: model.__name__)
def test_admin_of_every_model_opens_without_counting_rows(
    admin_client: Client, model: type[Model]
) -> None:
    record(make_ticks(make_instrument(), 500), regimes=3)
    path = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
    with CaptureQueriesContext(connection) as captured:
        assert admin_client.get(path).status_code == 200
    if model in RECORDED:
        assert not [q["sql"] for q in captured if "COUNT(" in q["sql"].upper()]
    row = model._default_manager.first()
    if row is not None:
        assert admin_client.get(f"{path}{row.pk}/change/").status_code == 200


@pytest.mark.parametrize("model", RECORDED, ids=lambda model: model.__name__)
def test_recorded_data_is_read_only(admin_client: Client, model: type[Model]) -> None:
    path = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
    assert admin_client.get(f"{path}add/").status_code == 403
    assert not site._registry[model].show_full_result_count


def test_quote_list_finds_a_seq_and_links_to_the_chart(admin_client: Client) -> None:
    instrument = make_instrument()
    ticks = record(make_ticks(instrument, 500))
    page = admin_client.get("/admin/quotes/quote/?q=123").content.decode()
    assert f"{instrument.lattice.price(int(ticks['ticks'][122])):f}" in page
    assert 'href="/instruments/ES/"' in page
    assert page.count('class="field-seq"') == 1
    assert admin_client.get("/admin/quotes/quote/?q=abc").status_code == 200


def test_tick_size_is_fixed_once_quotes_exist(admin_client: Client) -> None:
    record(make_ticks(make_instrument(), 5))
    page = admin_client.get(f"/admin/instruments/instrument/{Instrument.objects.get().pk}/change/")
    assert 'name="tick_size"' not in page.content.decode()
