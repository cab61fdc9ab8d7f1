"""The API collection: its flow runs as it is written, and nothing in its folder is left over."""

import json
import re
from typing import Any

import httpx
import pytest
from sqlalchemy import URL

from tests.documents.collection import FOLDER, collection_files, openapi
from tests.documents.example_value import example_value
from tests.support.seeded_service import seeded_service
from tests.support.sources import ROOT, name_of

BLOCK = re.compile(r"^([a-z:-]+) \{\n(.*?)\n\}$", re.MULTILINE | re.DOTALL)
METHODS = {"get", "post", "put", "delete"}


def read(text: str) -> dict[str, Any]:
    """Return the blocks of a request as Bruno reads them: pairs, or the text of a body."""
    blocks: dict[str, Any] = {}
    for name, content in BLOCK.findall(text):
        if name in {"body:json", "docs"}:
            blocks[name] = content
        else:
            pairs = (line.strip().partition(": ") for line in content.splitlines())
            blocks[name] = {key: value for key, _, value in pairs if not key.startswith("~")}
    return blocks


def look_up(expression: str, response: httpx.Response) -> str:
    """Return what `res.status` or `res.body...` says of an answer."""
    if expression == "res.status":
        return str(response.status_code)
    found = response.json()
    for step in re.findall(r"\w+", expression.removeprefix("res.body")):
        found = found[int(step) if step.isdigit() else step]
    return str(found)


@pytest.mark.exhaustive
async def test_the_flow_runs(server_url: URL) -> None:
    """Every request of the flow, in order, is answered as it asserts; what one remembers, the next ones use."""
    files = sorted((ROOT / FOLDER / "Sample data").glob("*.bru"))
    assert len(files) > 10
    async with seeded_service(server_url) as service, httpx.AsyncClient() as client:
        variables = {
            "url": service.url,
            "operator_token": await service.token("--platform-operator"),
            "hsbc_token": await service.token("HSBC"),
        }
        for file in files:
            text = re.sub(r"\{\{(\w+)\}\}", lambda found: variables[found[1]], file.read_text(encoding="utf-8"))
            request = read(text)
            (method,) = METHODS & set(request)
            headers = dict(request.get("headers", {}))
            if token := request.get("auth:bearer", {}).get("token"):
                headers["Authorization"] = f"Bearer {token}"
            body = {"json": json.loads(request["body:json"])} if "body:json" in request else {}
            response = await client.request(method, request[method]["url"], headers=headers, **body)
            for expression, expected in request["assert"].items():
                assert f"eq {look_up(expression, response)}" == expected, f"{name_of(file)}: {response.text}"
            for name, expression in request.get("vars:post-response", {}).items():
                variables[name] = look_up(expression, response)


def test_nothing_is_left_over() -> None:
    """The folder holds what is generated, and nothing else."""
    there = {name_of(path) for path in (ROOT / FOLDER).rglob("*") if path.is_file()}
    assert there == set(collection_files())


@pytest.mark.parametrize(
    ("rules", "value"),
    [
        ({"type": "string", "examples": ["a", "b"]}, "a"),
        ({"type": "string", "format": "uuid"}, "019a9f3e-5c1b-7d42-9a51-3f0c6f1e2b7a"),
        ({"$ref": "#/components/schemas/Kind"}, "parent"),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, 1),
        ({"type": "integer", "example": 7}, 7),
        ({"type": "boolean", "default": False}, False),
    ],
)
def test_a_field_without_an_example_gets_a_value_of_its_type(rules: dict[str, Any], value: Any) -> None:
    """An endpoint of a fork need not give examples for the collection to be made."""
    assert example_value(rules, {"Kind": {"type": "string", "enum": ["parent", "subsidiary"]}}) == value


def test_every_endpoint_is_there_once() -> None:
    """One request for each operation of the document."""
    requests = [read(text) for name, text in collection_files().items() if "/Endpoints/" in name]
    calls = {(method, request[method]["url"]) for request in requests for method in METHODS & set(request)}
    assert len(requests) == len(calls) == sum(len(item) for item in openapi()["paths"].values())
