from decimal import Decimal
from typing import Any

from django.db import migrations

TICK_SIZES = {
    "ES": Decimal("0.25"),
    "EURUSD": Decimal("0.00001"),
    "BTC-PERPETUAL": Decimal("0.5"),
}


def give_books(apps: Any, schema_editor: Any) -> None:
    """Give a book to instruments of the catalogue that still have the catalogue's tick size.

    This is a migration because seedinstruments never changes instruments that exist.
    """
    instruments = apps.get_model("instruments", "Instrument").objects
    for symbol, tick_size in TICK_SIZES.items():
        instruments.filter(symbol=symbol, tick_size=tick_size, lot_size=1).update(has_book=True)


class Migration(migrations.Migration):
    dependencies = [("instruments", "0002_lot_size_has_book")]
    operations = [migrations.RunPython(give_books, migrations.RunPython.noop)]
