"""The request for a computation, and the OpenAPI schemas of the responses."""

from typing import Any, Final

from rest_framework import serializers

from market.times import from_microseconds
from web.parameters import Parameters


class RunRequest(serializers.Serializer):  # type: ignore[misc]  # REST framework ships no types
    indicator = serializers.CharField(max_length=40)
    symbol = serializers.CharField(max_length=40)
    start = serializers.CharField(help_text="Earliest window end: RFC 3339 or epoch milliseconds.")
    end = serializers.CharField(help_text="Windows end before this time: RFC 3339 or epoch ms.")
    step = serializers.IntegerField(
        default=1, min_value=1, max_value=100_000, help_text="Points between window ends."
    )
    parameters = serializers.DictField(default=dict, help_text="As listed in the catalogue.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Turn start and end into moments."""
        start, end = Parameters(
            {"start": attrs["start"], "end": attrs["end"]}, ("start", "end")
        ).span()
        if start is None or end is None:
            raise serializers.ValidationError({"start": ["start and end must be given"]})
        return {**attrs, "start": from_microseconds(start), "end": from_microseconds(end)}


NUMBER: Final = {"type": "number", "nullable": True}
PAIR: Final = {
    "type": "array",
    "items": {"type": "number"},
    "minItems": 2,
    "maxItems": 2,
    "nullable": True,
}
PARAMETERS: Final = {"type": "object", "additionalProperties": True}
CATALOGUE_SCHEMA: Final = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["name", "title", "help", "reads", "null_value", "parameters"],
        "properties": {
            "name": {"type": "string"},
            "title": {"type": "string"},
            "help": {"type": "string"},
            "reads": {"type": "string", "example": "closes"},
            "null_value": NUMBER,
            "parameters": {"type": "array", "items": PARAMETERS},
        },
    },
}
ESTIMATE_SCHEMA: Final = {
    "type": "object",
    "required": ["indicator", "symbol", "parameters", "value", "reason", "n", "window_end"],
    "properties": {
        "indicator": {"type": "string"},
        "symbol": {"type": "string"},
        "parameters": PARAMETERS,
        "value": NUMBER,
        "reason": {"type": "string", "nullable": True},
        "interval": PAIR,
        "null_band": PAIR,
        "n": {"type": "integer"},
        "window_end": {"type": "integer", "nullable": True, "description": "epoch ms"},
        "truth": {"type": "object", "properties": {"mean_phi": NUMBER, "exact": NUMBER}},
        "details": PARAMETERS,
    },
}
RUN_SCHEMA: Final = {
    "type": "object",
    "required": ["id", "indicator", "symbol", "start", "end", "state", "progress", "result"],
    "properties": {
        "id": {"type": "string", "format": "uuid"},
        "indicator": {"type": "string"},
        "symbol": {"type": "string"},
        "start": {"type": "integer", "description": "epoch ms"},
        "end": {"type": "integer", "description": "epoch ms"},
        "step": {"type": "integer"},
        "parameters": PARAMETERS,
        "state": {
            "type": "string",
            "enum": ["queued", "running", "done", "failed", "cancelled"],
        },
        "error": {"type": "string", "nullable": True},
        "progress": {"type": "number", "minimum": 0, "maximum": 1},
        "result": {
            "type": "object",
            "nullable": True,
            "properties": {"readings": {"type": "integer"}, "mean": NUMBER},
        },
    },
}
