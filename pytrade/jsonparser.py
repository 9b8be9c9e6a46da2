"""JSON request bodies."""

from typing import Any

from rest_framework import parsers
from rest_framework.exceptions import ParseError


class JSONParser(parsers.JSONParser):  # type: ignore[misc]  # REST framework ships no types
    """Rejects JSON nested deeper than the Python recursion limit with 400."""

    def parse(self, *args: Any, **options: Any) -> Any:
        try:
            return super().parse(*args, **options)
        except RecursionError as error:
            raise ParseError("the JSON is nested too deeply") from error
