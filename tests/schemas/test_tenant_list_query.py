"""The query of `GET /tenants`: bounds, and no parameter that is silently ignored."""

from uuid import UUID

import pytest
from pydantic import ValidationError

from multi_tenant_db.models.page_cursor import PageCursor
from multi_tenant_db.models.tenant_type import TenantType
from multi_tenant_db.schemas.tenant_list_query import TenantListQuery

CURSOR = PageCursor(UUID(int=1), UUID(int=2)).encode()


def violations(query: dict[str, str]) -> dict[tuple[int | str, ...], str]:
    """Return where the query breaks rules, and which."""
    with pytest.raises(ValidationError) as refusal:
        TenantListQuery.model_validate(query)
    return {error["loc"]: error["type"] for error in refusal.value.errors()}


def test_an_empty_query_means_the_first_hundred_of_all() -> None:
    """Without parameters a client gets a page of a hundred, from the beginning, of both types."""
    query = TenantListQuery.model_validate({})
    assert (query.limit, query.cursor, query.tenant_type) == (100, None, None)


def test_every_parameter_is_read_from_text() -> None:
    """The parameters of a URL are text, and become a number, a cursor and a type."""
    query = TenantListQuery.model_validate({"limit": "20", "cursor": CURSOR, "tenant_type": "subsidiary"})
    assert (query.limit, query.cursor, query.tenant_type) == (20, CURSOR, TenantType.SUBSIDIARY)


@pytest.mark.parametrize("limit", [1, 1000])
def test_the_bounds_of_the_limit_are_within(limit: int) -> None:
    """One tenant and a thousand are both a page."""
    assert TenantListQuery.model_validate({"limit": str(limit)}).limit == limit


@pytest.mark.parametrize(
    ("limit", "violation"),
    [
        ("0", "greater_than_equal"),
        ("-1", "digits"),
        ("1001", "less_than_equal"),
        ("99999999999999999999", "less_than_equal"),
        ("", "digits"),
        ("ten", "digits"),
        ("1.5", "digits"),
        ("1e2", "digits"),
        ("٣", "digits"),
    ],
)
def test_any_other_limit_is_refused(limit: str, violation: str) -> None:
    """A limit outside the bounds, or one that is no whole number, is refused rather than adjusted."""
    assert violations({"limit": limit}) == {("limit",): violation}


@pytest.mark.parametrize("cursor", ["", "first", CURSOR[:-1], CURSOR + "A", CURSOR + "=", " " + CURSOR, "\ud800"])
def test_a_cursor_of_the_clients_own_making_is_refused(cursor: str) -> None:
    """A cursor that the service did not issue is a violation of the parameter."""
    assert violations({"cursor": cursor}) == {("cursor",): "cursor"}


@pytest.mark.parametrize("tenant_type", ["", "both", "PARENT", "parent,subsidiary"])
def test_an_unknown_type_is_refused(tenant_type: str) -> None:
    """A filter that matches no type is refused instead of giving an empty list."""
    assert violations({"tenant_type": tenant_type}) == {("tenant_type",): "enum"}


@pytest.mark.parametrize("parameter", ["offset", "Limit", "tenant_id", "organization_id", "limit[]"])
def test_unknown_parameters_are_refused(parameter: str) -> None:
    """A misspelt parameter is refused."""
    assert violations({parameter: "1"}) == {(parameter,): "extra_forbidden"}
