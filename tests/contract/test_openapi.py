"""The OpenAPI document and the pages that show it."""

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.support.problems import MEDIA_TYPE
from tests.support.schemas import Schemas

ENDPOINTS = {
    ("get", "/health"),
    ("post", "/tenants"),
    ("get", "/tenants"),
    ("get", "/tenants/{tenant_id}"),
    ("put", "/tenants/{tenant_id}"),
    ("delete", "/tenants/{tenant_id}"),
}

ANYWHERE = {400, 408, 413, 414, 431, 500, 503, 504}
"""Ambiguous headers, a body too slow or large, a target or headers too long, a defect, outage, overload, too slow."""

TENANTS = ANYWHERE | {401, 422, 429}

STATUSES = {
    ("get", "/health"): ANYWHERE | {200},
    ("post", "/tenants"): TENANTS | {201, 403, 409, 415},
    ("get", "/tenants"): TENANTS | {200},
    ("get", "/tenants/{tenant_id}"): TENANTS | {200, 304, 404, 412},
    ("put", "/tenants/{tenant_id}"): TENANTS | {200, 403, 404, 409, 412, 415},
    ("delete", "/tenants/{tenant_id}"): TENANTS | {204, 403, 404, 409, 412},
}

ONE_TENANT = {("path", "tenant_id"), ("header", "if-match"), ("header", "if-none-match")}

PARAMETERS = {
    ("post", "/tenants"): {("header", "idempotency-key")},
    ("get", "/tenants"): {("query", "limit"), ("query", "cursor"), ("query", "tenant_type")},
    ("get", "/tenants/{tenant_id}"): ONE_TENANT,
    ("put", "/tenants/{tenant_id}"): ONE_TENANT,
    ("delete", "/tenants/{tenant_id}"): ONE_TENANT | {("query", "cascade")},
}


@pytest.fixture(scope="session")
def schemas(document: dict[str, Any]) -> Schemas:
    """Give the document's schemas."""
    return Schemas(document)


def operations(document: dict[str, Any]) -> Iterator[tuple[tuple[str, str], dict[str, Any]]]:
    """Yield each operation with its method and path."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield (method, path), operation


def examples_of(element: dict[str, Any]) -> list[Any]:
    """Return the examples of a parameter, header or field, wherever the format allows them to stand."""
    schema = element.get("schema", {})
    examples = [*element.get("examples", []), *schema.get("examples", [])]
    return [*examples, element["example"]] if "example" in element else examples


def references(element: Any) -> Iterator[str]:
    """Yield every $ref in the document."""
    if isinstance(element, dict):
        if isinstance(element.get("$ref"), str):
            yield element["$ref"]
        for member in element.values():
            yield from references(member)
    elif isinstance(element, list):
        for member in element:
            yield from references(member)


async def test_the_document_is_served(client: httpx.AsyncClient, document: dict[str, Any]) -> None:
    """It is public, in a version that tools know."""
    response = await client.get("/openapi.json")
    assert (response.status_code, response.json()) == (200, document)
    assert document["openapi"].startswith("3.1.")
    assert document["info"]["title"] == "Multi-Tenant Database"
    assert document["info"]["version"]
    assert document["info"]["description"].strip()


def test_there_are_exactly_six_endpoints(document: dict[str, Any]) -> None:
    """The document has six endpoints."""
    assert {key for key, _ in operations(document)} == ENDPOINTS


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    """Every $ref resolves, and every schema is referenced."""
    assert set(references(document)) == {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}


def test_every_operation_is_described(document: dict[str, Any]) -> None:
    """Each has a summary, a description, a tag, and an id of its own; each answer says what it means."""
    seen = []
    for key, operation in operations(document):
        assert operation["summary"], key
        assert operation["description"], key
        assert operation["tags"], key
        assert all(response["description"] for response in operation["responses"].values()), key
        seen.append(operation["operationId"])
    assert len(seen) == len(set(seen))


def test_every_parameter_is_described_with_a_valid_example(document: dict[str, Any], schemas: Schemas) -> None:
    """All parameters are there, each with a description and examples that fit its schema."""
    for key, operation in operations(document):
        parameters = operation.get("parameters", [])
        assert {(each["in"], each["name"].lower()) for each in parameters} == PARAMETERS.get(key, set())
        for parameter in parameters:
            assert parameter["description"], (key, parameter["name"])
            assert parameter["required"] == (parameter["in"] == "path")
            assert examples_of(parameter), (key, parameter["name"])
            for example in examples_of(parameter):
                assert schemas.violations(example, parameter["schema"]) == []


def test_a_cascade_is_a_boolean(document: dict[str, Any]) -> None:
    """Generated clients take a boolean, which they send as `true` or `false`."""
    (cascade,) = (
        each for each in document["paths"]["/tenants/{tenant_id}"]["delete"]["parameters"] if each["in"] == "query"
    )
    assert (cascade["name"], cascade["schema"]["type"], cascade["schema"]["default"]) == ("cascade", "boolean", False)


def test_every_field_is_described_with_a_valid_example(document: dict[str, Any], schemas: Schemas) -> None:
    """All members of all bodies have a description and examples that fit their schema."""
    described = 0
    for name, schema in document["components"]["schemas"].items():
        assert schema.get("description"), name
        for field, rules in schema.get("properties", {}).items():
            assert rules["description"], (name, field)
            assert examples_of(rules), (name, field)
            for example in examples_of(rules):
                assert schemas.violations(example, rules) == [], (name, field)
            described += 1
    assert described > 20


def test_a_tenant_is_documented_as_it_is_sent(document: dict[str, Any]) -> None:
    """The members are those of the contract, and all of them are always there."""
    schema = document["components"]["schemas"]["TenantRead"]
    members = "tenant_id, name, tenant_type, parent_tenant_id, metadata, version, created_at, updated_at"
    assert ", ".join(schema["properties"]) == ", ".join(schema["required"]) == members


def test_the_schemas_are_plain(document: dict[str, Any]) -> None:
    """What generators of clients stumble over is not there: recursion, alternatives, a type that is only null."""
    schemas = document["components"]["schemas"]
    for name, schema in schemas.items():
        assert "oneOf" not in json.dumps(schema), name
        assert f"/{name}" not in {reference.removeprefix("#/components/schemas") for reference in references(schema)}
        for member, rules in schema.get("properties", {}).items():
            assert rules.get("type") != "null", (name, member)
    assert schemas["TenantCreate"]["properties"]["metadata"]["additionalProperties"] is True
    assert {"tenant_not_found", "name_taken"} < set(schemas["Problem"]["properties"]["code"]["enum"])
    assert schemas["Problem"]["properties"]["errors"]["type"] == "array"


def test_bodies_are_declared(document: dict[str, Any]) -> None:
    """POST and PUT take JSON, and must have it; they refuse members that they do not know."""
    bodies = {key: operation["requestBody"] for key, operation in operations(document) if "requestBody" in operation}
    assert {method for method, _ in bodies} == {"post", "put"}
    for body in bodies.values():
        assert body["required"] is True
        assert list(body["content"]) == ["application/json"]
        name = body["content"]["application/json"]["schema"]["$ref"].removeprefix("#/components/schemas/")
        schema = document["components"]["schemas"][name]
        assert schema["additionalProperties"] is False


def test_every_status_is_declared(document: dict[str, Any]) -> None:
    """Each endpoint declares exactly the statuses that it can answer with."""
    declared = {key: {int(status) for status in operation["responses"]} for key, operation in operations(document)}
    assert declared == STATUSES


def test_headers_are_declared_with_examples(document: dict[str, Any], schemas: Schemas) -> None:
    """Location, ETag, Link, the challenge and the time to wait stand where they are sent, the request id everywhere."""
    declared = {
        (method, path, status): set(response["headers"])
        for (method, path), operation in operations(document)
        for status, response in operation["responses"].items()
        if "headers" in response
    }
    everywhere = {"X-Request-ID"}
    limited = {"RateLimit", "RateLimit-Policy"}
    assert declared["get", "/health", "200"] == everywhere
    assert declared["post", "/tenants", "201"] == {"Location", "ETag"} | everywhere | limited
    assert declared["get", "/tenants", "200"] == {"Link"} | everywhere | limited
    for method in ("get", "put"):
        assert declared[method, "/tenants/{tenant_id}", "200"] == {"ETag"} | everywhere | limited
    for key, operation in operations(document):
        for status in operation["responses"]:
            headers = declared[*key, status]
            assert headers >= everywhere
            assert ("WWW-Authenticate" in headers) == (status == "401")
            assert ("Retry-After" in headers) >= (status in {"429", "503", "504"} and key[1] != "/health")
    for _, operation in operations(document):
        for response in operation["responses"].values():
            for header in response.get("headers", {}).values():
                assert header["description"]
                assert all(not schemas.violations(example, header["schema"]) for example in examples_of(header))
                assert examples_of(header)


def test_five_endpoints_need_a_token(document: dict[str, Any]) -> None:
    """One bearer scheme, asked for by every endpoint on tenants and not by the health check."""
    schemes = document["components"]["securitySchemes"]
    assert {(scheme["type"], scheme["scheme"]) for scheme in schemes.values()} == {("http", "bearer")}
    (name,) = schemes
    assert schemes[name]["description"]
    for (_, path), operation in operations(document):
        assert operation.get("security", []) == ([] if path == "/health" else [{name: []}])


def test_every_problem_has_a_valid_example(document: dict[str, Any], schemas: Schemas) -> None:
    """Each error shows each of its problems, valid by the schema, with the status under which it stands."""
    codes = set()
    for (method, path), operation in operations(document):
        for status, response in operation["responses"].items():
            if path == "/health" or int(status) < 400:
                continue
            assert list(response["content"]) == [MEDIA_TYPE], (method, path, status)
            content = response["content"][MEDIA_TYPE]
            assert content["schema"] == {"$ref": "#/components/schemas/Problem"}
            assert content["examples"], (method, path, status)
            for code, example in content["examples"].items():
                assert example["summary"]
                assert schemas.violations(example["value"], content["schema"]) == [], (path, status)
                assert (example["value"]["code"], example["value"]["status"]) == (code, int(status))
                codes.add(code)
    assert len(codes) > 10


def test_every_answer_with_a_body_has_a_valid_example(document: dict[str, Any], schemas: Schemas) -> None:
    """Whatever the status, the page shows what it looks like, and in words of its own what it means."""
    for (method, path), operation in operations(document):
        for status, response in operation["responses"].items():
            assert response["description"] != "Successful Response", (method, path, status)
            for content in response.get("content", {}).values():
                examples = [example["value"] for example in content.get("examples", {}).values()]
                examples += [content["example"]] if "example" in content else []
                assert examples, (method, path, status)
                for example in examples:
                    assert schemas.violations(example, content["schema"]) == [], (path, status)


def test_operations_are_named_for_generated_clients(document: dict[str, Any]) -> None:
    """Verb and noun, without the path: a client made from the document has `create_tenant()`."""
    assert {operation["operationId"] for _, operation in operations(document)} == {
        "check_health",
        "create_tenant",
        "list_tenants",
        "read_tenant",
        "replace_tenant",
        "delete_tenant",
    }


def test_the_introduction_tells_how_to_get_a_token(document: dict[str, Any]) -> None:
    """A reader of the page needs no other page to try it."""
    assert all(
        words in document["info"]["description"] for words in ("**Authorize**", "make token", "mtdb token issue")
    )


@pytest.mark.parametrize("page", ["/docs", "/redoc"])
async def test_the_pages_work_without_internet(client: httpx.AsyncClient, page: str) -> None:
    """The page refers to no other host, and everything that it loads is served here."""
    response = await client.get(page)
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/html")
    assert not re.findall(r"(?:https?:)?//[a-z0-9]+\.[a-z]", response.text)
    assets = re.findall(r"(?:src|href)=[\"']([^\"']+)", response.text)
    assert any(asset.endswith(".js") for asset in assets)
    assert "/openapi.json" in response.text
    for asset in assets:
        served = await client.get(asset)
        assert (served.status_code, bool(served.content)) == (200, True), asset


async def test_the_page_knows_how_to_authorize(client: httpx.AsyncClient) -> None:
    """Swagger UI's own return address is served, and the document names the scheme behind the Authorize button."""
    response = await client.get("/docs")
    assert "SwaggerUIBundle" in response.text
    assert "/docs/oauth2-redirect" in response.text
    assert (await client.get("/docs/oauth2-redirect")).status_code == 200
