"""Updates of many rows, and statements that are sent together."""

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from instruments.models import Instrument
from journal import statements
from journal.updates import Update
from rig.histories import make_instrument

pytestmark = pytest.mark.django_db
OPENING = Update(
    table="instruments_instrument", to=("name",), by=("opening_ticks",), keys=("id",),
    always=("currency = 'EUR'",), types=(("name", "text"),),
)  # fmt: skip


def missing(found: int, expected: int) -> LookupError:
    return LookupError(f"{found} of {expected}")


def test_each_row_gets_its_values() -> None:
    es, nq = make_instrument("ES"), make_instrument("NQ")
    before = es.opening_ticks
    OPENING.execute([("it's %s", 5, es.pk), ("b", 7, nq.pk)], missing)
    found = Instrument.objects.order_by("pk").values_list("name", "opening_ticks")
    assert list(found) == [("it's %s", before + 5), ("b", before + 7)]
    assert set(Instrument.objects.values_list("currency", flat=True)) == {"EUR"}
    with pytest.raises(LookupError, match="1 of 2"):
        OPENING.execute([("a", 1, es.pk), ("b", 1, nq.pk + 1)], missing)


@pytest.mark.postgresql
def test_statements_are_sent_as_one_text() -> None:
    es = make_instrument("ES")
    found: list[object] = []
    with CaptureQueriesContext(connection) as queries, statements.together():
        OPENING.execute([("100 %", 1, es.pk)], missing)
        OPENING.execute([("%s; 'x'", 1, es.pk)], missing)
        statements.execute(
            "SELECT name FROM instruments_instrument WHERE id = %s",
            [es.pk],
            lambda count, rows: found.extend((count, rows)),
        )
    assert found == [1, [("%s; 'x'",)]]
    assert len(queries) == 1


@pytest.mark.both_databases
def test_missing_row_undoes_what_was_sent_with_it() -> None:
    es = make_instrument("ES")

    @transaction.atomic
    def update() -> None:
        with statements.together():
            OPENING.execute([("a", 1, es.pk)], missing)
            OPENING.execute([("b", 1, es.pk + 1)], missing)

    with pytest.raises(LookupError, match="0 of 1"):
        update()
    es.refresh_from_db()
    assert es.name != "a"
