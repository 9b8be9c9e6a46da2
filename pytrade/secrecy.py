"""What error pages and error mails must not show."""

import re

from django.views.debug import SafeExceptionReporterFilter


class ReporterFilter(SafeExceptionReporterFilter):
    """Hides the URLs of the services too: they hold passwords."""

    hidden_settings = re.compile(
        f"{SafeExceptionReporterFilter.hidden_settings.pattern}|(DATABASE|REDIS|BROKER)_URL|RESULT_BACKEND|^hosts$",
        re.IGNORECASE,
    )
