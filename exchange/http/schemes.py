"""How OpenAPI describes the authentication of traders; drf-spectacular finds the classes."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension


class KeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # drf-spectacular is untyped
    target_class = "exchange.http.authentication.KeyAuthentication"
    name = ["apiKeyBasic", "apiKeySignature"]

    def get_security_definition(self, auto_schema: Any) -> list[dict[str, str]]:
        basic = {"type": "http", "scheme": "basic", "description": "API key and secret."}
        text = "With X-API-Timestamp (epoch ms) and X-API-Signature: see docs/api.md."
        return [basic, in_header("X-API-Key", text)]


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # drf-spectacular is untyped
    target_class = "exchange.http.authentication.TokenOfOwner"
    name = "tokenOfOwner"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return in_header("Authorization", "`Token ...` of the account's owner.")


class SessionScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # drf-spectacular is untyped
    target_class = "exchange.http.authentication.SessionOfAccount"
    name = "sessionOfAccount"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "apiKey", "in": "cookie", "name": "sessionid"}


class VisitorScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # drf-spectacular is untyped
    target_class = "exchange.http.practice.Visitor"
    name = "csrfToken"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return in_header("X-CSRFToken", "The cookie csrftoken, which every page sets.")


def in_header(name: str, text: str) -> dict[str, str]:
    return {"type": "apiKey", "in": "header", "name": name, "description": text}
