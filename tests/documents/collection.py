"""The API as a Bruno collection: every operation of the OpenAPI document, and a flow over the sample data."""

import json
import re
from collections.abc import Iterator
from typing import Any

from multi_tenant_db.main import create_app
from multi_tenant_db.settings import Settings
from tests.documents.collection_flow import FLOW
from tests.documents.collection_step import CollectionStep
from tests.documents.example_value import example_value

FOLDER = "docs/collection"

BRUNO = {"version": "1", "name": "Multi-Tenant Database", "type": "collection", "ignore": []}

ENVIRONMENT = """vars {
  url: http://127.0.0.1:8000
}
vars:secret [
  operator_token,
  hsbc_token
]
"""

DOCS = """docs {
  Open this folder in Bruno and choose the environment `local`. Its two secrets:

  - `operator_token`: `.venv/bin/mtdb token issue --platform-operator --quiet`
  - `hsbc_token`: `make -s token TENANT="HSBC"`

  "Sample data" runs from the first request to the last; "Endpoints" has each request once. `make docs` generates this
  collection from the service's OpenAPI document.
}
"""


def openapi() -> dict[str, Any]:
    """Return the OpenAPI document of the service; it needs no database."""
    return create_app(Settings(database_url="postgresql://nowhere/nothing")).openapi()


def collection_files() -> dict[str, str]:
    """Return every file of the collection, by its path in the project."""
    operations = dict(_operations(openapi()))
    files = {
        "bruno.json": json.dumps(BRUNO, indent=2) + "\n",
        "collection.bru": DOCS,
        "environments/local.bru": ENVIRONMENT,
    }
    for number, operation in enumerate(operations.values(), start=1):
        step = _example_of(operation)
        files[f"Endpoints/{operation['summary'].replace("'", '')}.bru"] = _request(number, step, operation)
    for number, step in enumerate(FLOW, start=1):
        files[f"Sample data/{number:02} {step.name}.bru"] = _request(number, step, operations[step.operation])
    return {f"{FOLDER}/{name}": content for name, content in files.items()}


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
            schemas = document["components"]["schemas"]
            fields = schemas.get(body.get("$ref", "").rpartition("/")[2], {}).get("properties", {})
            example = {name: example_value(rules, schemas) for name, rules in fields.items()}
            yield operation["operationId"], {**operation, "method": method, "path": path, "body": example}


def _example_of(operation: dict[str, Any]) -> CollectionStep:
    """Return a call with the document's own examples; a tilde disables what is optional."""
    parameters: dict[str, dict[str, str]] = {"path": {}, "query": {}, "header": {}}
    for parameter in operation.get("parameters", []):
        example = example_value({**parameter["schema"], **parameter}, {})
        name = parameter["name"] if parameter["required"] else f"~{parameter['name']}"
        text = json.dumps(example) if isinstance(example, bool | int) else str(example)
        parameters[parameter["in"]][name] = text
    return CollectionStep(
        operation["summary"],
        operation["operationId"],
        int(next(iter(operation["responses"]))),
        caller="hsbc" if operation.get("security") else "",
        path=parameters["path"],
        query=parameters["query"],
        headers=parameters["header"],
        body=operation["body"] or None,
    )


def _request(number: int, step: CollectionStep, operation: dict[str, Any]) -> str:
    """Return a request as Bruno writes it."""
    path = re.sub(r"\{(\w+)\}", lambda found: step.path[found[1]], operation["path"])
    active = "&".join(f"{name}={value}" for name, value in step.query.items() if not name.startswith("~"))
    url = f"{{{{url}}}}{path}{'?' if active else ''}{active}"
    body, auth = "json" if step.body else "none", "bearer" if step.caller else "none"
    blocks = {
        "meta": _pairs({"name": step.name, "type": "http", "seq": str(number)}),
        operation["method"]: _pairs({"url": url, "body": body, "auth": auth}),
        "params:query": _pairs(step.query),
        "headers": _pairs(step.headers),
        "auth:bearer": _pairs({"token": f"{{{{{step.caller}_token}}}}"} if step.caller else {}),
        "body:json": _indented(json.dumps(step.body, indent=2, ensure_ascii=False)) if step.body else "",
        "vars:post-response": _pairs(step.remember),
        "assert": _pairs({"res.status": f"eq {step.status}"} | {k: f"eq {v}" for k, v in step.expect.items()}),
        "docs": _indented(operation["description"]),
    }
    if step.name == operation["summary"]:
        del blocks["assert"]  # an example, whose ids need not exist
    return "\n".join(f"{name} {{\n{content}\n}}\n" for name, content in blocks.items() if content)


def _pairs(pairs: dict[str, str]) -> str:
    return "\n".join(f"  {name}: {value}" for name, value in pairs.items())


def _indented(text: str) -> str:
    return "\n".join(f"  {line}".rstrip() for line in text.splitlines())
