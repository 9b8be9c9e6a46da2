from typing import Any

from django.conf import settings
from django.core import checks

CHART_LIBRARY = "lightweight-charts/lightweight-charts.standalone.production.mjs"


@checks.register(checks.Tags.staticfiles)
def chart_library_is_installed(app_configs: Any, **_: Any) -> list[checks.CheckMessage]:
    """Warn if the chart library is not installed."""
    path = settings.VENDORED_JAVASCRIPT / CHART_LIBRARY
    if path.exists():
        return []
    return [
        checks.Warning(
            f"The chart library is missing: static/vendor/{CHART_LIBRARY} does not exist.",
            hint="Run `make setup`. Without it the pages show no charts.",
            id="quotes.W001",
        )
    ]
