"""A Postman collection of the API, made from its OpenAPI schema. Pure.

Format: https://schema.postman.com/collection/json/v2.1.0/draft-07/docs/index.html; Bruno and
Insomnia import it, too.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

FORMAT: Final = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
EXAMPLES: Final[Mapping[str, Any]] = {
    "symbol": "ES", "ticker": "btc_usd", "name": "hurst", "side": "buy", "type": "limit",
    "quantity": 1, "price": 5000, "leverage": 5,
}  # fmt: skip
"""Values of parameters and members by name; others come from their schemas."""
OF_TYPE: Final[Mapping[str, Any]] = {
    "integer": 1, "number": 1, "boolean": False, "array": [], "object": {},
}  # fmt: skip
NO_ID: Final = "00000000-0000-4000-8000-000000000000"

Json = dict[str, Any]


def collection(schema: Mapping[str, Any], base: str) -> Json:
    """Return the collection of an OpenAPI schema: a folder per tag, a request per operation."""
    folders: dict[str, list[Json]] = {}
    for path, method, operation in operations(schema):
        folders.setdefault(operation["tags"][0], []).append(request(path, method, operation))
    info = schema["info"]
    return {
        "info": {"name": info["title"], "description": info.get("description", ""),
                 "schema": FORMAT},
        "variable": [{"key": "base", "value": base}, {"key": "token", "value": ""}],
        "auth": {"type": "apikey", "apikey": [
            {"key": "key", "value": "Authorization"},
            {"key": "value", "value": "Token {{token}}"},
            {"key": "in", "value": "header"},
        ]},
        "item": [{"name": tag, "item": items} for tag, items in sorted(folders.items())],
    }  # fmt: skip


def operations(schema: Mapping[str, Any]) -> Iterator[tuple[str, str, Json]]:
    """Yield path, method and description of every operation."""
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            yield path, method.upper(), operation


def request(path: str, method: str, operation: Json) -> Json:
    """Return one request; optional parameters of the query are switched off."""
    parameters = operation.get("parameters", [])
    query = [each for each in parameters if each["in"] == "query"]
    segments = [f":{part[1:-1]}" if part.startswith("{") else part for part in path.split("/")[1:]]
    url: Json = {
        "raw": "{{base}}/" + "/".join(segments),
        "host": ["{{base}}"],
        "path": segments,
        "variable": [
            {"key": each["name"], "value": text(example(each["name"], each["schema"]))}
            for each in parameters
            if each["in"] == "path"
        ],
        "query": [
            {
                "key": each["name"],
                "value": text(example(each["name"], each["schema"])),
                "description": each.get("description", ""),
                "disabled": not each.get("required", False),
            }
            for each in query
        ],
    }
    made: Json = {"method": method, "url": url, "description": operation.get("description", "")}
    if "requestBody" in operation:
        made["header"] = [{"key": "Content-Type", "value": "application/json"}]
        made["body"] = {"mode": "raw", "raw": json.dumps(body_of(operation), indent=2)}
    return {"name": operation["operationId"], "request": made}


def body_of(operation: Json) -> Any:
    """Return the first example of a body; without one, its required members."""
    content = operation["requestBody"]["content"]["application/json"]
    for each in content.get("examples", {}).values():
        return each["value"]
    return example("body", content.get("schema", {}))


def example(name: str, schema: Mapping[str, Any]) -> Any:
    """Return a value that a schema permits."""
    if name in EXAMPLES and schema.get("type") != "object":
        return EXAMPLES[name]
    for known in ("example", "default"):
        if known in schema:
            return schema[known]
    if schema.get("enum"):
        return schema["enum"][0]
    for several in ("oneOf", "anyOf", "allOf"):
        if several in schema:
            return example(name, schema[several][0])
    if schema.get("type") == "object":
        members = schema.get("properties", {})
        return {each: example(each, members.get(each, {})) for each in schema.get("required", ())}
    if schema.get("format") == "uuid":
        return NO_ID
    return schema.get("minimum", OF_TYPE.get(schema.get("type", ""), name))


def text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
