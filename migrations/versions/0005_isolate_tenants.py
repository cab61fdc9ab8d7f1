"""Isolate the tenants: the grants and the policies that are the product.

Read each policy as a sentence, with the verb it is for. Every condition on a tenant is an interval of the primary key,
so it is an index condition: a page costs the same in an organisation of ten and of twenty thousand, and a hidden id
takes the path of an absent one. A platform operator has separate policies behind a separate
role, so there is no OR here.

Two things look odd and are not. `= ANY (ARRAY[...])` around a single value: the planner evaluates cheap conditions
first, and a caller's own leakproof ones (`name < 'M'`, on a hidden row!) may come before dearer ones of a policy;
whether the policy was then still asked can be seen, in EXPLAIN ANALYZE or from its error. Written as an array, the
policy's conditions are as cheap as a condition on a column can be, and so come first. And the last condition of a
tenant's reach repeats the others: each `(SELECT ...)` is evaluated when it is first needed, so a statement that
changes the token on its way could have the organisation of one token and the interval of another. The last one reads
a single value.
"""

from alembic import op

revision = "isolate_tenants"
down_revision = "create_sign_in"
branch_labels = None
depends_on = None

POLICIES = (
    "a_tenant_sees_itself_and_its_subsidiaries",
    "a_parent_adds_subsidiaries_under_itself",
    "a_tenant_updates_itself_and_its_subsidiaries",
    "a_parent_deletes_its_subsidiaries",
    "a_platform_operator_sees_all",
    "a_platform_operator_adds_any",
    "a_platform_operator_updates_all",
    "a_platform_operator_deletes_any",
)


def upgrade() -> None:
    """Column grants, then row level security, forced upon the owner too."""
    # Ids, organisations, versions and times are the database's; type and parent never change after the insert.
    op.execute("GRANT SELECT, DELETE ON tenancy.tenants TO tenancy_api, tenancy_platform")
    op.execute("""
        GRANT INSERT (tenant_type, parent_tenant_id, name, metadata) ON tenancy.tenants
        TO tenancy_api, tenancy_platform
    """)
    op.execute("GRANT UPDATE (name, metadata) ON tenancy.tenants TO tenancy_api, tenancy_platform")
    op.execute("GRANT EXECUTE ON FUNCTION tenancy.uuid_v7() TO tenancy_api, tenancy_platform")

    op.execute("ALTER TABLE tenancy.tenants ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE tenancy.tenants FORCE ROW LEVEL SECURITY")

    op.execute("""
        CREATE POLICY a_tenant_sees_itself_and_its_subsidiaries ON tenancy.tenants
        FOR SELECT TO tenancy_api
        USING (
            organization_id = ANY (ARRAY[(SELECT tenancy.current_organization_id())])
            AND tenant_id >= ANY (ARRAY[(SELECT tenancy.first_tenant_id_in_reach())])
            AND tenant_id <= ANY (ARRAY[(SELECT tenancy.last_tenant_id_in_reach())])
            AND (SELECT tenancy.current_tenant_id()) = ANY (ARRAY[organization_id, tenant_id])
        )
    """)
    # A subsidiary's own id is no organisation's id, so the first condition refuses it a subsidiary under itself.
    op.execute("""
        CREATE POLICY a_parent_adds_subsidiaries_under_itself ON tenancy.tenants
        FOR INSERT TO tenancy_api
        WITH CHECK (
            organization_id = (SELECT tenancy.current_organization_id())
            AND parent_tenant_id = (SELECT tenancy.current_tenant_id())
        )
    """)
    op.execute("""
        CREATE POLICY a_tenant_updates_itself_and_its_subsidiaries ON tenancy.tenants
        FOR UPDATE TO tenancy_api
        USING (
            organization_id = ANY (ARRAY[(SELECT tenancy.current_organization_id())])
            AND tenant_id >= ANY (ARRAY[(SELECT tenancy.first_tenant_id_in_reach())])
            AND tenant_id <= ANY (ARRAY[(SELECT tenancy.last_tenant_id_in_reach())])
            AND (SELECT tenancy.current_tenant_id()) = ANY (ARRAY[organization_id, tenant_id])
        )
        WITH CHECK (
            organization_id = ANY (ARRAY[(SELECT tenancy.current_organization_id())])
            AND tenant_id >= ANY (ARRAY[(SELECT tenancy.first_tenant_id_in_reach())])
            AND tenant_id <= ANY (ARRAY[(SELECT tenancy.last_tenant_id_in_reach())])
            AND (SELECT tenancy.current_tenant_id()) = ANY (ARRAY[organization_id, tenant_id])
        )
    """)
    # Without the organisation, which follows from the parent: a second condition on it would mislead the planner.
    op.execute("""
        CREATE POLICY a_parent_deletes_its_subsidiaries ON tenancy.tenants
        FOR DELETE TO tenancy_api
        USING (
            parent_tenant_id = ANY (ARRAY[(SELECT tenancy.current_tenant_id())])
        )
    """)

    # By the key as well, not by a plain condition: that would be evaluated only once a row has matched, and the error
    # 28000 of a bad token would tell that it did.
    op.execute("""
        CREATE POLICY a_platform_operator_sees_all ON tenancy.tenants
        FOR SELECT TO tenancy_platform
        USING (organization_id >= ANY (ARRAY[(SELECT tenancy.first_organization_id_in_reach())]))
    """)
    op.execute("""
        CREATE POLICY a_platform_operator_adds_any ON tenancy.tenants
        FOR INSERT TO tenancy_platform
        WITH CHECK ((SELECT tenancy.is_platform_operator()))
    """)
    op.execute("""
        CREATE POLICY a_platform_operator_updates_all ON tenancy.tenants
        FOR UPDATE TO tenancy_platform
        USING (organization_id >= ANY (ARRAY[(SELECT tenancy.first_organization_id_in_reach())]))
        WITH CHECK ((SELECT tenancy.is_platform_operator()))
    """)
    op.execute("""
        CREATE POLICY a_platform_operator_deletes_any ON tenancy.tenants
        FOR DELETE TO tenancy_platform
        USING (organization_id >= ANY (ARRAY[(SELECT tenancy.first_organization_id_in_reach())]))
    """)


def downgrade() -> None:
    """Take the grants first: at no moment does the service reach the table without its policies."""
    op.execute("REVOKE ALL ON tenancy.tenants FROM tenancy_api, tenancy_platform")
    op.execute("REVOKE EXECUTE ON FUNCTION tenancy.uuid_v7() FROM tenancy_api, tenancy_platform")
    for policy in reversed(POLICIES):
        op.execute(f"DROP POLICY {policy} ON tenancy.tenants")
    op.execute("ALTER TABLE tenancy.tenants NO FORCE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE tenancy.tenants DISABLE ROW LEVEL SECURITY")
