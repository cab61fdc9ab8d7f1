"""A flow of requests: a group is onboarded, changed and deleted."""

from tests.documents.collection_step import CollectionStep

OSLO = {
    "name": "Nordbanken Oslo",
    "tenant_type": "subsidiary",
    "parent_tenant_id": "{{group_id}}",
    "metadata": {"country": "NO"},
}
GROUP = {"tenant_id": "{{group_id}}"}
BRANCH = {"tenant_id": "{{oslo_id}}"}
RENAMED = {"name": "Nordbanken Norge", "metadata": {"country": "NO"}}

FLOW = [
    CollectionStep("The service is healthy", "check_health", 200, caller="", expect={"res.body.status": "healthy"}),
    CollectionStep(
        "Onboard a group",
        "create_tenant",
        201,
        body={"name": "Nordbanken", "tenant_type": "parent", "metadata": {"country": "SE"}},
        remember={"group_id": "res.body.tenant_id"},
    ),
    CollectionStep(
        "Add a subsidiary",
        "create_tenant",
        201,
        headers={"Idempotency-Key": "{{group_id}}-oslo"},
        body=OSLO,
        remember={"oslo_id": "res.body.tenant_id"},
        expect={"res.body.version": "1"},
    ),
    CollectionStep(
        "Repeat the creation",
        "create_tenant",
        201,
        headers={"Idempotency-Key": "{{group_id}}-oslo"},
        body=OSLO,
        expect={"res.body.tenant_id": "{{oslo_id}}"},
    ),
    CollectionStep("The name is taken", "create_tenant", 409, body=OSLO, expect={"res.body.code": "name_taken"}),
    CollectionStep(
        "HSBC lists its tenants",
        "list_tenants",
        200,
        caller="hsbc",
        query={"limit": "3"},
        expect={"res.body.items[0].name": "HSBC", "res.body.items[1].name": "HSBC Hong Kong"},
    ),
    CollectionStep(
        "For HSBC the group is not found",
        "read_tenant",
        404,
        caller="hsbc",
        path=GROUP,
        expect={"res.body.code": "tenant_not_found"},
    ),
    CollectionStep(
        "Rename the subsidiary",
        "replace_tenant",
        200,
        path=BRANCH,
        headers={"If-Match": '"1"'},
        body=RENAMED,
        expect={"res.body.version": "2"},
    ),
    CollectionStep(
        "The version is stale",
        "replace_tenant",
        412,
        path=BRANCH,
        headers={"If-Match": '"1"'},
        body=RENAMED,
        expect={"res.body.code": "precondition_failed"},
    ),
    CollectionStep(
        "A group with subsidiaries is not deleted",
        "delete_tenant",
        409,
        path=GROUP,
        expect={"res.body.code": "tenant_has_subsidiaries"},
    ),
    CollectionStep("Delete the group", "delete_tenant", 204, path=GROUP, query={"cascade": "true"}),
    CollectionStep(
        "Its subsidiary is deleted, too",
        "read_tenant",
        404,
        path=BRANCH,
        expect={"res.body.code": "tenant_not_found"},
    ),
]
