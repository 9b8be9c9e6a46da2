from typing import Any

from django.db import migrations


def fill(apps: Any, schema_editor: Any) -> None:
    """Make the clusters of trades that were recorded before there were clusters."""
    instruments = apps.get_model("instruments", "Instrument").objects.order_by("pk")
    symbols = [each.symbol for each in instruments if each.trades.exists()]
    if symbols:
        from orderflow.filling import fill_all  # loads the kernels

        fill_all(symbols)


class Migration(migrations.Migration):
    dependencies = [("orderflow", "0001_clusters")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
