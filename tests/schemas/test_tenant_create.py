"""The body of `POST /tenants`: the two levels are validated before the database would refuse them."""

from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError

from multi_tenant_db.models.tenant_type import TenantType
from multi_tenant_db.schemas.tenant_create import TenantCreate

PARENT = "019a9f3e-5c1b-7d42-9a51-3f0c6f1e2b7a"
SUBSIDIARY = {"name": "HSBC London", "tenant_type": "subsidiary", "parent_tenant_id": PARENT}


def violations(body: dict[str, Any]) -> dict[tuple[int | str, ...], str]:
    """Return where the body breaks rules, and which."""
    with pytest.raises(ValidationError) as refusal:
        TenantCreate.model_validate(body)
    return {error["loc"]: error["type"] for error in refusal.value.errors()}


def test_a_subsidiary_names_its_parent() -> None:
    """A subsidiary with its parent's id is accepted, and its metadata is an empty object unless given."""
    tenant = TenantCreate.model_validate(SUBSIDIARY)
    assert (tenant.tenant_type, tenant.parent_tenant_id) == (TenantType.SUBSIDIARY, UUID(PARENT))
    assert tenant.metadata == {}


@pytest.mark.parametrize("absent", [{}, {"parent_tenant_id": None}])
def test_a_parent_stands_alone(absent: dict[str, None]) -> None:
    """A parent leaves parent_tenant_id out or says null."""
    tenant = TenantCreate.model_validate({"name": "HSBC", "tenant_type": "parent"} | absent)
    assert (tenant.tenant_type, tenant.parent_tenant_id) == (TenantType.PARENT, None)


@pytest.mark.parametrize("absent", [{}, {"parent_tenant_id": None}])
def test_a_subsidiary_without_parent_is_refused(absent: dict[str, None]) -> None:
    """The violation points at parent_tenant_id, also when the member is left out."""
    body = {"name": "HSBC London", "tenant_type": "subsidiary"} | absent
    assert violations(body) == {("parent_tenant_id",): "parent_missing"}


def test_a_parent_under_a_parent_is_refused() -> None:
    """There are two levels, so a parent with a parent_tenant_id is refused at that member."""
    assert violations(SUBSIDIARY | {"tenant_type": "parent"}) == {("parent_tenant_id",): "parent_unexpected"}


@pytest.mark.parametrize("tenant_type", ["Parent", "department", "", None, 1])
def test_an_unknown_type_is_one_violation(tenant_type: Any) -> None:
    """Without a valid type the levels cannot be judged, so only the type is reported."""
    assert violations(SUBSIDIARY | {"tenant_type": tenant_type}) == {("tenant_type",): "enum"}


@pytest.mark.parametrize("parent_tenant_id", ["", "HSBC", 1, True, [], PARENT + "0"])
def test_a_parent_that_is_no_uuid_is_refused(parent_tenant_id: Any) -> None:
    """An invalid UUID is refused at its member, without a second violation for the levels."""
    refused = violations(SUBSIDIARY | {"parent_tenant_id": parent_tenant_id})
    assert list(refused) == [("parent_tenant_id",)]
    assert refused["parent_tenant_id",].startswith("uuid_")


@pytest.mark.parametrize("member", ["tenant_id", "organization_id", "version", "created_at", "Name", "meta_data"])
def test_unknown_members_are_refused(member: str) -> None:
    """A member that the client may not set, or misspells, is an error and not silently ignored."""
    assert violations(SUBSIDIARY | {member: "x"}) == {(member,): "extra_forbidden"}


@pytest.mark.parametrize("member", ["name", "tenant_type"])
def test_required_members_are_required(member: str) -> None:
    """A body without a name or a type is refused."""
    assert violations({key: value for key, value in SUBSIDIARY.items() if key != member}) == {(member,): "missing"}


@pytest.mark.parametrize("metadata", [None, [], "text", 1, True])
def test_metadata_is_an_object(metadata: Any) -> None:
    """Metadata of any other JSON type is refused."""
    assert violations(SUBSIDIARY | {"metadata": metadata}) == {("metadata",): "dict_type"}


@pytest.mark.parametrize("name", [None, 1, True, ["HSBC"], {"en": "HSBC"}])
def test_a_name_is_text(name: Any) -> None:
    """Numbers, lists and objects are no names and are not turned into text."""
    assert violations(SUBSIDIARY | {"name": name}) == {("name",): "string_type"}


def test_every_violation_is_reported_at_once() -> None:
    """A client learns in one answer of all members that break a rule, in the shared fields as well."""
    assert violations({"name": " ", "tenant_type": "parent", "metadata": {"a": float("inf")}, "id": 1}) == {
        ("name",): "name_length",
        ("metadata",): "metadata_number",
        ("id",): "extra_forbidden",
    }
