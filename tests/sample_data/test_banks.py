"""The bank story holds together: what `mtdb seed` writes is what a bank's own people would call plausible."""

import json
import re
from importlib.resources import files
from typing import Any
from uuid import UUID

import pytest

from multi_tenant_db.schemas.tenant_create import TenantCreate

BANKS: list[dict[str, Any]] = json.loads(
    files("multi_tenant_db.sample_data").joinpath("banks.json").read_text(encoding="utf-8")
)
GROUPS = {bank["name"]: [subsidiary["name"] for subsidiary in bank["subsidiaries"]] for bank in BANKS}
SOME_PARENT = UUID("019a9f3e-5c1b-7d42-9a51-3f0c6f1e2b7a")


TENANTS = [
    (tenant_type, tenant["name"], tenant["metadata"])
    for bank in BANKS
    for tenant_type, tenant in [("parent", bank), *(("subsidiary", subsidiary) for subsidiary in bank["subsidiaries"])]
]
of_each_tenant = pytest.mark.parametrize(
    ("tenant_type", "name", "metadata"), TENANTS, ids=[name for _, name, _ in TENANTS]
)
of_each_metadata = pytest.mark.parametrize(
    "metadata", [metadata for _, _, metadata in TENANTS], ids=[name for _, name, _ in TENANTS]
)


def test_the_story_begins_with_hsbc_and_barclays() -> None:
    """HSBC comes first and leads with Hong Kong and London, then Barclays, its competitor."""
    assert list(GROUPS)[:2] == ["HSBC", "Barclays"]
    assert GROUPS["HSBC"][:2] == ["HSBC Hong Kong", "HSBC London"]


def test_there_are_further_groups_with_subsidiaries() -> None:
    """At least five banking groups, each with two to six subsidiaries, make the isolation worth watching."""
    assert len(BANKS) >= 5
    assert {name: len(subsidiaries) for name, subsidiaries in GROUPS.items() if not 2 <= len(subsidiaries) <= 6} == {}


def test_names_are_unique_within_a_group() -> None:
    """No group uses a name twice, since the database would refuse it; and no two groups share one."""
    for name, subsidiaries in GROUPS.items():
        assert len({name, *subsidiaries}) == 1 + len(subsidiaries)
    assert len(GROUPS) == len(BANKS)


@of_each_tenant
def test_the_api_would_accept_each_tenant_unchanged(tenant_type: str, name: str, metadata: dict[str, Any]) -> None:
    """Each name and its metadata obey the rules of `POST /tenants`, and come back as they are written."""
    parent = {"parent_tenant_id": SOME_PARENT} if tenant_type == "subsidiary" else {}
    tenant = TenantCreate.model_validate({"name": name, "tenant_type": tenant_type, "metadata": metadata} | parent)
    assert (tenant.name, tenant.metadata) == (name, metadata)


@of_each_tenant
def test_metadata_is_complete(tenant_type: str, name: str, metadata: dict[str, Any]) -> None:
    """Each tenant says where it is, how it is identified and what it does; a parent also says since when."""
    expected = {"country", "city", "bic", "lei", "business_unit", "currency"}
    assert set(metadata) == (expected | {"founded"} if tenant_type == "parent" else expected), name
    assert re.fullmatch("[A-Z]{2}", metadata["country"])
    assert re.fullmatch("[A-Z]{3}", metadata["currency"])
    assert metadata["city"].strip()
    assert metadata["business_unit"].strip()
    assert 1600 < metadata.get("founded", 1900) < 2025


@of_each_metadata
def test_the_bic_has_the_shape_of_iso_9362_and_names_the_country(metadata: dict[str, Any]) -> None:
    """A BIC has 8 or 11 characters, of which the fifth and sixth are the tenant's country."""
    assert re.fullmatch("[A-Z]{6}[A-Z0-9]{2}([A-Z0-9]{3})?", metadata["bic"])
    assert metadata["bic"][4:6] == metadata["country"]


@of_each_metadata
def test_the_lei_style_identifier_is_well_formed_and_made_up(metadata: dict[str, Any]) -> None:
    """It has ISO 17442's twenty characters with valid check digits, and a prefix that marks it as made up."""
    assert re.fullmatch("DEMO00[A-Z0-9]{12}[0-9]{2}", metadata["lei"])
    assert int("".join(str(int(character, 36)) for character in metadata["lei"])) % 97 == 1


@pytest.mark.parametrize("identifier", ["bic", "lei"])
def test_identifiers_belong_to_one_tenant(identifier: str) -> None:
    """No two tenants of the story share a BIC or an LEI-style identifier."""
    assert len({metadata[identifier] for _, _, metadata in TENANTS}) == len(TENANTS)
