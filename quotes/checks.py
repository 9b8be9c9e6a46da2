from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Tags, Warning, register

CHART_LIBRARY = "lightweight-charts/lightweight-charts.standalone.production.mjs"


@register(Tags.staticfiles)
def chart_library_is_installed(app_configs: Any, **_: Any) -> Sequence[CheckMessage]:
    """Say what to do when the JavaScript that the pages need was not installed."""
    path = settings.VENDORED_JAVASCRIPT / CHART_LIBRARY
    if path.exists():
        return []
    return [
        Warning(
            f"The chart library is missing: there is no static/vendor/{CHART_LIBRARY}.",
            hint="Run `make setup`; the pages show no charts without it.",
            id="quotes.W001",
        )
    ]
