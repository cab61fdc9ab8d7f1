"""`make docs` names the route and what it lacks."""

import logging
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, FastAPI, Query
from pydantic import Field, create_model

from multi_tenant_db.http.openapi_document import name_operation
from multi_tenant_db.http.problem_responses import PROBLEMS_OF_AUTHENTICATED_ROUTES, declare_problems
from multi_tenant_db.main import create_app
from multi_tenant_db.settings import Settings
from tests.documents import write
from tests.documents.collection import openapi
from tests.documents.route_gaps import route_gaps
from tests.support.sources import ROOT

DECLARED = declare_problems(*PROBLEMS_OF_AUTHENTICATED_ROUTES)


Bare = create_model("Bare", amount=(int, ...))
Described = create_model("Described", amount=(int, Field(description="Added to the balance.", examples=[1])))


async def undescribed() -> None:  # noqa: D103 - the test needs a route without one
    ...


async def bare_parameter(limit: Annotated[int, Query(description="How many.")] = 1) -> None:
    """Has a parameter without an example."""


async def bare_body(body: Bare) -> None:
    """Has a field without words."""


async def described(body: Described) -> None:
    """Lacks nothing."""


def app_with(endpoint: Any, **options: Any) -> FastAPI:
    """Add one route to the service."""
    app = create_app(Settings(database_url="postgresql://nowhere/nothing"))
    router = APIRouter(generate_unique_id_function=name_operation)
    router.post("/new", **({"responses": DECLARED} | options))(endpoint)
    app.include_router(router)
    return app


OF_A_PARAMETER = "give it `description=` and `examples=[...]`"
OF_A_FIELD = "give it `Field(description=..., examples=[...])`"
OF_PROBLEMS = "give its router `responses=declare_problems(...)`"
GAPS: list[tuple[Any, dict[str, Any], list[str]]] = [
    (undescribed, {}, ["a description: give its function a docstring"]),
    (bare_parameter, {}, [f"an example of the query parameter 'limit': {OF_A_PARAMETER}"]),
    (bare_body, {}, [f"a description of Bare.amount: {OF_A_FIELD}", f"an example of Bare.amount: {OF_A_FIELD}"]),
    (described, {"responses": {}}, [f"its problems, so its 422 is FastAPI's own: {OF_PROBLEMS}"]),
    (described, {}, []),
]


@pytest.mark.parametrize(("endpoint", "options", "lacks"), GAPS)
def test_a_gap_is_named(endpoint: Any, options: dict[str, Any], lacks: list[str]) -> None:
    """Each gap is one line: the route, what is missing and how to add it; a complete route has none."""
    assert route_gaps(app_with(endpoint, **options).openapi()) == [f"POST /new lacks {gap}" for gap in lacks]


def test_a_summary_belongs_to_one_route() -> None:
    """The collection names a file by it, so both routes are named."""
    gaps = route_gaps(app_with(described, summary="Create a tenant").openapi())
    assert [gap.partition(" lacks ")[0] for gap in gaps] == ["POST /tenants", "POST /new"]


def test_the_flow_calls_routes_that_exist() -> None:
    """A route that the collection's flow calls and that is gone is named."""
    document = openapi()
    del document["paths"]["/health"]
    assert route_gaps(document) == [
        "tests/documents/collection_flow.py calls 'check_health', which no route has as its name"
    ]


def test_make_docs_ends_with_the_gaps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is written, the exit code is 1, and each gap is a line."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(logging, "disable", lambda _level: None)
    monkeypatch.setattr(write, "openapi", lambda: app_with(undescribed).openapi())
    monkeypatch.setattr(write, "generated_files", lambda: pytest.fail("it writes"))
    with pytest.raises(SystemExit) as ended:
        write.main()
    assert ended.value.code == "error: POST /new lacks a description: give its function a docstring"
