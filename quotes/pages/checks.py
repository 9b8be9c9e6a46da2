from typing import Any

from django.conf import settings
from django.core import checks

CHART_LIBRARY = "lightweight-charts/lightweight-charts.standalone.production.mjs"


@checks.register(checks.Tags.staticfiles)
def chart_library_is_installed(app_configs: Any, **_: Any) -> list[checks.CheckMessage]:
    """Say what to do when the JavaScript that the pages need was not installed."""
    path = settings.VENDORED_JAVASCRIPT / CHART_LIBRARY
    if path.exists():
        return []
    return [
        checks.Warning(
            f"The chart library is missing: there is no static/vendor/{CHART_LIBRARY}.",
            hint="Run `make setup`; the pages show no charts without it.",
            id="quotes.W001",
        )
    ]
