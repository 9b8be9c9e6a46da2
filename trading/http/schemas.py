"""What OpenAPI says of bots."""

from typing import Any, Final

from exchange.clearing.fees import SCHEDULES
from trading.core.strategies.catalogue import STRATEGIES
from trading.creating import BROKERS
from trading.listings import RULES

TEXT: Final = {"type": "string"}
BOT: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "id": {"type": "integer"},
        "name": TEXT,
        "broker": TEXT,
        "account": {"type": "string", "nullable": True},
        "on_death": {"type": "string", "enum": list(RULES)},
        "state": {"type": "string", "enum": ["running", "starting", "stopping", "stopped"]},
        "runner": {"type": "string", "nullable": True},
        "heartbeat_at": {"type": "integer", "nullable": True, "description": "Epoch ms."},
        "equity": {"type": "number"},
        "problem": {"type": "string", "nullable": True, "description": "Why it last ended."},
    },
}
BOTS: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["bots"],
    "properties": {"bots": {"type": "array", "items": BOT}},
}
NEW_BOT: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["name"],
    "additionalProperties": False,
    "properties": {
        "name": {"type": "string", "pattern": r"^[A-Za-z0-9][A-Za-z0-9._-]*$", "maxLength": 64},
        "broker": {"type": "string", "enum": list(BROKERS), "description": "Default: exchange."},
        "account": {
            "type": "string",
            "description": "By name: one of yours at the exchange, or of broker venue one at a "
            "venue, which admins may use. Not of broker paper.",
        },
        "balance": {
            "type": "number",
            "minimum": 1,
            "maximum": 1_000_000_000,
            "description": "Of broker paper; default: 10000.",
        },
        "fees": {
            "type": "string",
            "enum": list(SCHEDULES),
            "description": "Of broker paper; default: bybit.",
        },
        "latency_ms": {
            "type": "integer",
            "minimum": 0,
            "maximum": 10_000,
            "description": "Of broker paper: how late orders arrive; default: 50.",
        },
        "on_death": {"type": "string", "enum": list(RULES)},
    },
}
CONFIGURATION: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["strategy", "symbols"],
    "properties": {
        "strategy": {"type": "string", "enum": list(STRATEGIES)},
        "symbols": {"type": "array", "items": TEXT},
        "parameters": {"type": "object", "additionalProperties": {"type": "number"}},
        "limits": {"type": "object"},
        "interval_s": {"type": "number"},
        "venue_symbols": {"type": "object", "additionalProperties": TEXT},
    },
}
VERSION: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "number": {"type": "integer"},
        "author": TEXT,
        "created_at": {"type": "integer", "description": "Epoch ms."},
        "configuration": {"type": "object"},
    },
}
VERSIONS: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["newest", "versions"],
    "properties": {
        "newest": {**VERSION, "nullable": True},
        "versions": {"type": "array", "items": VERSION},
    },
}
KILLED: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["is_on", "left"],
    "properties": {
        "is_on": {"type": "boolean"},
        "left": {"type": "array", "items": {"type": "object"}},
    },
}
REASON: Final[dict[str, Any]] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {"reason": {"type": "string", "minLength": 1, "maxLength": 200}},
}
AMENDMENT: Final[dict[str, Any]] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "quantity": {"type": "number", "description": "In total, with what is filled."},
        "price": {"type": "number"},
    },
}
EMPTY: Final[dict[str, Any]] = {"type": "object", "additionalProperties": False}
