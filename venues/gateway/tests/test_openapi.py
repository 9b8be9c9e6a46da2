"""OpenAPI shows an example of every answer of the gateway."""

from drf_spectacular.generators import SchemaGenerator

OURS = ("/api/v1/venues/", "/api/v1/market/")


def test_every_answer_of_the_gateway_has_an_example() -> None:
    operations = [
        (path, operation)
        for path, methods in SchemaGenerator().get_schema(public=True)["paths"].items()
        if path.startswith(OURS)
        for operation in methods.values()
    ]
    assert len(operations) == 15
    for path, operation in operations:
        answers = [answer for status, answer in operation["responses"].items() if status < "300"]
        bodies = [answer.get("content", {}).get("application/json", {}) for answer in answers]
        assert all("example" in str(body) for body in bodies if body), path
