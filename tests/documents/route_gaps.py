"""What a route of the OpenAPI document lacks for the documents that are made from it."""

from collections.abc import Iterator
from typing import Any

from tests.documents.collection_flow import FLOW

FLOW_FILE = "tests/documents/collection_flow.py"
CALLED = {step.operation for step in FLOW}
FASTAPIS_ERROR = "#/components/schemas/HTTPValidationError"


def route_gaps(document: dict[str, Any]) -> list[str]:
    """Return a line for each gap: the route, what is missing, and where to add it."""
    names = {operation["operationId"] for _, operation in _routes(document)}
    return [
        *(f"{route} lacks {gap}" for route, operation in _routes(document) for gap in _gaps(operation, document)),
        *(f"{FLOW_FILE} calls {name!r}, which no route has as its name" for name in sorted(CALLED - names)),
    ]


def _routes(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield f"{method.upper()} {path}", operation


def _gaps(operation: dict[str, Any], document: dict[str, Any]) -> Iterator[str]:
    if not operation.get("description"):
        yield "a description: give its function a docstring"
    summary = operation.get("summary")
    if sum(other.get("summary") == summary for _, other in _routes(document)) > 1:
        yield f"a summary of its own, {summary!r} is another's, too: give it `summary=`"
    for parameter in operation.get("parameters", []):
        name = f"the {parameter['in']} parameter {parameter['name']!r}"
        yield from _words_missing(name, {**parameter["schema"], **parameter}, "`description=` and `examples=[...]`")
    models = set(_models(operation, document))
    if FASTAPIS_ERROR in models:
        yield "its problems, so its 422 is FastAPI's own: give its router `responses=declare_problems(...)`"
        models -= {FASTAPIS_ERROR, "#/components/schemas/ValidationError"}
    for reference in sorted(models):
        model = reference.rpartition("/")[2]
        for field, rules in document["components"]["schemas"][model].get("properties", {}).items():
            yield from _words_missing(f"{model}.{field}", rules, "`Field(description=..., examples=[...])`")


def _words_missing(name: str, rules: dict[str, Any], remedy: str) -> Iterator[str]:
    if not rules.get("description"):
        yield f"a description of {name}: give it {remedy}"
    if not (rules.get("examples") or "example" in rules):
        yield f"an example of {name}: give it {remedy}"


def _models(element: Any, document: dict[str, Any], *found: str) -> Iterator[str]:
    """Yield the references to models with fields, in bodies and responses, and in the models themselves."""
    match element:
        case {"$ref": str(reference)}:
            if reference not in found:
                yield reference
                model = document["components"]["schemas"][reference.rpartition("/")[2]]
                yield from _models(model, document, reference, *found)
        case dict():
            for member in element.values():
                yield from _models(member, document, *found)
        case list():
            for member in element:
                yield from _models(member, document, *found)
