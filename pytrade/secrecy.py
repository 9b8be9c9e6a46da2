"""Secrets that error pages and error mails must not show."""

import re

from django.views.debug import SafeExceptionReporterFilter


class ReporterFilter(SafeExceptionReporterFilter):
    """Also hides client ids, and the URLs of databases and brokers, which contain passwords."""

    hidden_settings = re.compile(
        f"{SafeExceptionReporterFilter.hidden_settings.pattern}|CLIENT_ID"
        "|(DATABASE|REDIS|BROKER)_URL|RESULT_BACKEND|^hosts$",
        re.IGNORECASE,
    )
